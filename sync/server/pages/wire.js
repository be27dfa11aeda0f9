// Talking to the server: JSON over POST, problems as exceptions, a time limit for every call.

const BASE = new URL("../v1/", import.meta.url);
const PATIENCE_MS = 12000;

/** The server's refusal: `slug` is the end of the problem's type. */
export class Problem extends Error {
	constructor(status, body) {
		super(body.title ?? String(status));
		this.status = status;
		this.body = body;
		this.slug = String(body.type ?? "").split("/").pop();
		this.waitSeconds = Math.max(1, Math.ceil(Number(body.retry_after_s) || 5));
	}
}

/** No answer, or none that can be trusted: whether the server acted is unknown. */
export class Offline extends Error {}

async function call(path, options) {
	const abort = new AbortController();
	const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
	let response;
	let body;
	try {
		response = await fetch(new URL(path, BASE), { ...options, signal: abort.signal, cache: "no-store", credentials: "omit" });
		body = await response.json();
	} catch (error) {
		throw new Offline(error.message);
	} finally {
		clearTimeout(timer);
	}
	if (response.ok) return body;
	if (response.status >= 500) throw new Offline(String(response.status));
	if (response.status === 429 && body.retry_after_s === undefined) body.retry_after_s = response.headers.get("Retry-After");
	throw new Problem(response.status, body);
}

export function post(path, body) {
	return call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export function get(path) {
	return call(path, { method: "GET" });
}
