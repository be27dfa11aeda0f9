// QR codes: byte mode, error correction M, versions 1 to 10. ISO/IEC 18004.

// Check bytes a block, then the data bytes of each block.
const BLOCKS = [
	null, [10, 16], [16, 28], [26, 44], [18, 32, 32], [24, 43, 43], [16, 27, 27, 27, 27], [18, 31, 31, 31, 31],
	[22, 38, 38, 39, 39], [22, 36, 36, 36, 37, 37], [26, 43, 43, 43, 43, 44],
];
// Level M with the checkerboard mask: codes are random, so that no other mask would read better.
const FORMAT = 0x5412;
const VERSIONS = [0x07c94, 0x085bc, 0x09a99, 0x0a4d3];
const QUIET = 4;

const EXP = [];
const LOG = [];
for (let exponent = 0, value = 1; exponent < 255; exponent++) {
	EXP[exponent] = value;
	LOG[value] = exponent;
	value = value & 128 ? (value << 1) ^ 0x11d : value << 1;
}
const times = (left, right) => (left && right ? EXP[(LOG[left] + LOG[right]) % 255] : 0);

function checkBytes(data, count) {
	let generator = [1];
	for (let power = 0; power < count; power++) {
		const next = [...generator, 0];
		generator.forEach((factor, place) => { next[place + 1] ^= times(factor, EXP[power]); });
		generator = next;
	}
	const rest = [...data, ...new Array(count).fill(0)];
	data.forEach((_, place) => {
		const factor = rest[place];
		generator.forEach((term, step) => { rest[place + step] ^= times(term, factor); });
	});
	return rest.slice(data.length);
}

const capacity = (version) => BLOCKS[version].slice(1).reduce((sum, size) => sum + size, 0);

function codewords(bytes, version) {
	const room = capacity(version);
	const hex = (value, digits) => value.toString(16).padStart(digits, "0");
	const all = `4${hex(bytes.length, version < 10 ? 2 : 4)}${bytes.map((byte) => hex(byte, 2)).join("")}0`;
	const data = all.match(/../g).map((pair) => parseInt(pair, 16));
	for (let pad = 0xec; data.length < room; pad ^= 0xec ^ 0x11) data.push(pad);
	return interleave(data, version);
}

function interleave(data, version) {
	const [checks, ...sizes] = BLOCKS[version];
	let start = 0;
	const blocks = sizes.map((size) => data.slice(start, (start += size)));
	const checked = blocks.map((block) => checkBytes(block, checks));
	const out = [];
	for (const rows of [blocks, checked]) {
		const longest = Math.max(...rows.map((row) => row.length));
		for (let place = 0; place < longest; place++) {
			for (const row of rows) if (place < row.length) out.push(row[place]);
		}
	}
	return out;
}

function frame(version) {
	// Fixed parts: 0 and 1 are modules, null is room for data.
	const size = version * 4 + 17;
	const grid = Array.from({ length: size }, () => new Array(size).fill(null));
	const square = (centreX, centreY, reach, light) => {
		for (let y = -reach; y <= reach; y++) {
			for (let x = -reach; x <= reach; x++) {
				const row = grid[centreY + y];
				if (row?.[centreX + x] !== undefined) row[centreX + x] = light.includes(Math.max(Math.abs(x), Math.abs(y))) ? 0 : 1;
			}
		}
	};
	for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, [2, 4]);
	const marks = version < 2 ? [] : version < 7 ? [6, size - 7] : [6, version * 2 + 8, size - 7];
	for (const y of marks) for (const x of marks) if (grid[y][x] === null) square(x, y, 2, [1]);
	for (let place = 8; place < size - 8; place++) grid[6][place] = grid[place][6] = 1 - (place % 2);
	stamp(grid, version);
	return grid;
}

function stamp(grid, version) {
	// Format twice, the dark module, and from version 7 the version twice.
	const size = grid.length;
	for (let bit = 0; bit < 15; bit++) {
		const value = (FORMAT >> bit) & 1;
		grid[bit < 6 ? bit : bit < 8 ? bit + 1 : size - 15 + bit][8] = value;
		grid[8][bit < 8 ? size - 1 - bit : bit < 9 ? 7 : 14 - bit] = value;
	}
	grid[size - 8][8] = 1;
	if (version < 7) return;
	for (let bit = 0; bit < 18; bit++) {
		const near = bit / 3 | 0;
		const far = size - 11 + (bit % 3);
		grid[near][far] = grid[far][near] = (VERSIONS[version - 7] >> bit) & 1;
	}
}

function fill(grid, words) {
	const size = grid.length;
	let bit = 0;
	for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
		if (right === 6) right = 5;
		for (let step = 0; step < size; step++) {
			const y = up ? size - 1 - step : step;
			for (const x of [right, right - 1]) {
				if (grid[y][x] !== null) continue;
				grid[y][x] = ((words[bit >> 3] >> (7 - (bit & 7))) & 1) ^ ((x + y + 1) & 1);
				bit++;
			}
		}
	}
}

/** Rows of 0 and 1, or null where the text is longer than version 10 holds (213 bytes). */
export function matrix(text) {
	const bytes = [...new TextEncoder().encode(text)];
	const version = BLOCKS.findIndex((blocks, number) => blocks && bytes.length + (number < 10 ? 2 : 3) <= capacity(number));
	if (version === -1) return null;
	const grid = frame(version);
	fill(grid, codewords(bytes, version));
	return grid;
}

/** An address for `<img>`: black on white, with its quiet zone. Long-press and print need an image. */
export function dataUri(text) {
	const grid = matrix(text);
	if (!grid) return null;
	const path = grid.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ""))).join("");
	const side = grid.length + QUIET * 2;
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">`
		+ `<path fill="#fff" d="M0 0h${side}v${side}H0z"/><path d="${path}"/></svg>`;
	return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
