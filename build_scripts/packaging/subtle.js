// The part of WebCrypto that the phone page uses, for browsers that have none at plain http. Becomes
// sync/server/pages/subtle.js:
//   npm install @noble/hashes@2.4.0 @noble/ciphers@2.4.0 esbuild
//   npx esbuild subtle.js --bundle --minify --format=esm --target=es2020 --legal-comments=none
import { gcm } from "@noble/ciphers/aes.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";

export const digest = async (_, data) => sha256(new Uint8Array(data));
export const importKey = async (_, raw) => new Uint8Array(raw);
export const deriveBits = async ({ salt, info }, key, bits) => hkdf(sha256, key, salt, info, bits / 8);
export const decrypt = async ({ iv, additionalData }, key, body) => gcm(key, iv, additionalData).decrypt(body);
