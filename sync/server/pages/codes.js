// Reading what was typed, check symbols. Mirrors sync/codes.py.

export const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const PICKUP_LENGTH = 14;

const READ = { O: "0", I: "1", L: "1" };
const DROPPED = /[\s\-_\u2010-\u2015\u2212\uff0d]/g;

// Powers of α = 2 in GF(32), x⁵ + x² + 1, and their logarithms.
const POWER = [];
const LOG = [];
for (let exponent = 0, value = 1; exponent < 31; exponent++) {
	POWER[exponent] = value;
	LOG[value] = exponent;
	value <<= 1;
	if (value & 32) value ^= 0b100101;
}

function at(values, power) {
	// The polynomial's value at α^power, by Horner; the first symbol is the highest power.
	return values.reduce((sum, value) => (sum ? POWER[(LOG[sum] + power) % 31] : 0) ^ value, 0);
}

/** Canonical form with the place of the first foreign symbol (-1 where there is none). */
export function read(typed) {
	const text = typed.normalize("NFKC").replace(DROPPED, "").toUpperCase().replace(/[OIL]/g, (symbol) => READ[symbol]);
	return { text, foreign: [...text].findIndex((symbol) => !ALPHABET.includes(symbol)) };
}

/** { valid, suspect }: `suspect` is the place of the one symbol that explains the fault, or -1. */
export function check(code) {
	const values = [...code].map((symbol) => ALPHABET.indexOf(symbol));
	if (values.length < 3 || values.includes(-1)) return { valid: false, suspect: -1 };
	const first = at(values, 1);
	const second = at(values, 2);
	if (!first && !second) return { valid: true, suspect: -1 };
	if (!first || !second) return { valid: false, suspect: -1 };
	const place = values.length - 1 - ((LOG[second] - LOG[first] + 31) % 31);
	return { valid: false, suspect: place >= 0 ? place : -1 };
}

/** Fours, as printed. A code of a merchant's own pattern stays as it was made. */
export function groups(code) {
	return /^[0-9A-Za-z]+$/.test(code) ? code.match(/.{1,4}/g) : [code];
}

/** A pasted message taken apart: a pick-up code that checks, and the tail or number beside it. */
export function split(pasted) {
	const text = pasted.normalize("NFKC").toUpperCase();
	const words = [...text.matchAll(/[0-9A-Z]+(?:[\-_\u2010-\u2015\u2212][0-9A-Z]+)*/g)];
	for (let from = 0; from < words.length; from++) {
		for (let to = from; to < Math.min(from + 5, words.length); to++) {
			const { text: code, foreign } = read(words.slice(from, to + 1).map(([word]) => word).join(""));
			if (foreign === -1 && code.length === PICKUP_LENGTH && check(code).valid) {
				const others = [...words.slice(to + 1), ...words.slice(0, from)].map(([word]) => word);
				const tail = others.find((word) => /^\d{4}$/.test(word)) ?? others.find((word) => /^(?=.*\d)[A-Z0-9-]{2,20}$/.test(word));
				return { code, value: tail ?? "" };
			}
		}
	}
	return null;
}
