// Keys of a link, the card, digests: by WebCrypto, which browsers lack at plain http.

const text = new TextEncoder();
const subtle = crypto.subtle ?? import("./subtle.js");

/** Unpadded base64url of bytes. */
export function b64(bytes) {
	const raw = String.fromCharCode(...new Uint8Array(bytes));
	return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function unb64(words) {
	return Uint8Array.from(atob(words.replace(/-/g, "+").replace(/_/g, "/")), (symbol) => symbol.charCodeAt(0));
}

/** The 16 bytes of a UUID. */
export function uuidBytes(uuid) {
	return Uint8Array.from(uuid.replace(/-/g, "").match(/../g), (pair) => parseInt(pair, 16));
}

async function sha256(...parts) {
	const all = await new Blob(parts).arrayBuffer();
	return b64(await (await subtle).digest("SHA-256", all));
}

async function derive(secret, salt, info) {
	const key = await (await subtle).importKey("raw", text.encode(secret), "HKDF", false, ["deriveBits"]);
	return (await subtle).deriveBits({ name: "HKDF", hash: "SHA-256", salt, info: text.encode(info) }, key, 256);
}

/** Proves that this page holds the link. */
export const linkAuth = async (k) => b64(await derive(k, new Uint8Array(), "kx/link/auth"));
export const linkKey = (k) => derive(k, new Uint8Array(), "kx/link/enc");
export const pickupKey = (code, merchantId) => derive(code, uuidBytes(merchantId), "kx/pickup/enc");
export const pickupLookup = (code, merchantId) => sha256("kx.pickup.v1\0", uuidBytes(merchantId), code);
export const gateDigest = (linkId, value) => sha256("kx.gate.v1\0", linkId, "\0", value);
/** `d`: what leaves the phone in place of the code. */
export const cardDigest = (merchantId, code) => sha256("kx.code.v1\0", uuidBytes(merchantId), code);

/** The card inside an answer of `open`. Throws where they do not belong together. */
export async function decrypt(bits, label, linkId, answer) {
	const key = await (await subtle).importKey("raw", bits, "AES-GCM", false, ["decrypt"]);
	const sealed = unb64(answer.ciphertext);
	const additionalData = text.encode([label, linkId, answer.batch_id, answer.expires_at ?? ""].join("|"));
	const plain = await (await subtle).decrypt(
		{ name: "AES-GCM", iv: sealed.subarray(0, 12), additionalData }, key, sealed.subarray(12),
	);
	return JSON.parse(new TextDecoder().decode(plain));
}

/** A random UUID; `crypto.randomUUID` is missing in older WeChat kernels. */
export function uuid4() {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	bytes[6] = (bytes[6] & 15) | 64;
	bytes[8] = (bytes[8] & 63) | 128;
	const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
	return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
