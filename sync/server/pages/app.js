// The page's two doors: a claim link (`/c/{link_id}#k`) and a pick-up code (`/p/{slug}`).

import { read } from "./codes.js";
import { button, countdown, field, frame, h, help, show } from "./dom.js";
import { cardFace, codePanel, fieldsPanel, historyPanel, left, maskedFace, notePanel, target } from "./faces.js";
import { decrypt, gateDigest, linkAuth, linkKey, pickupKey, pickupLookup } from "./keys.js";
import { pickupForm, readGate } from "./pickup.js";
import { doneFrame, openSheet, pending, resolvePending } from "./redeem.js";
import { LANGUAGE, t } from "./texts.js";
import { Offline, Problem, get, post } from "./wire.js";

const UNUSABLE = ["frozen", "voided", "expired", "unsealed"];
const K = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** What the page knows: the way in, what the server said last, and the card once opened. */
let session = {};

const merchant = () => session.state?.merchant ?? session.merchant;
const paint = (parts, actions = []) => show(parts, actions, help(merchant()));

async function slow(error, retry) {
	const again = button(t("retry"), retry);
	const part = frame("slow");
	again.disabled = true;
	paint([part], [again]);
	await countdown(part, error.waitSeconds);
	again.disabled = false;
}

/** One screen for whatever went wrong; `retry` is the way on where there is one. */
function failed(error, retry) {
	const again = button(t("retry"), retry);
	if (error.status === 429) slow(error, retry);
	else if (error.status === 404) paint([frame("link-unknown")]);
	else if (error.status === 410) paint([frame(error.slug)]);
	else paint([frame(error instanceof Offline ? "offline" : "failed")], [again]);
	if (!(error instanceof Problem || error instanceof Offline)) throw error;
}

/** Runs a step; what the server or the network refuses becomes a screen that tries the same step again. */
async function attempt(step) {
	try {
		await step();
	} catch (error) {
		failed(error, () => attempt(step));
	}
}

async function refresh() {
	const { state, gate_kind: gateKind } = await post(`links/${session.linkId}/state`, { auth: session.auth });
	Object.assign(session, { state, gateKind });
}

async function loadLink() {
	await refresh();
	const answer = await resolvePending(session);
	if (answer) {
		await refresh();
		paintDone(answer);
	} else paintMasked();
}

function paintMasked() {
	const { state } = session;
	const view = button(t("view"), () => openLink());
	const record = historyPanel(state);
	if (state.link === "recalled" || state.link === "expired") {
		paint([frame(`link-${state.link}`), record]);
	} else if (UNUSABLE.includes(state.card)) paintUnusable();
	else if (state.card === "spent") paint([frame("spent"), record], [view]);
	else if (state.link === "claimed" || state.link === "opened") {
		paint([maskedFace(state), frame("claimed"), record], [view]);
	} else {
		paint([maskedFace(state), frame("waiting", { merchant: state.merchant.name }), record],
			[button(t("claim"), () => openLink())]);
	}
}

function paintUnusable() {
	const { state } = session;
	const again = state.card === "unsealed" && button(t("retry"), () => attempt(session.door));
	paint([frame(state.card), historyPanel(state)], [again]);
}

function openLink() {
	return session.gateKind ? askGate(session.gateKind) : attempt(() => fetchLink(null));
}

async function fetchLink(gate) {
	let answer;
	try {
		answer = await post(`links/${session.linkId}/open`, { auth: session.auth, gate });
	} catch (error) {
		if (error.slug !== "gate-required") throw error;
		askGate(error.body.gate_kind ?? "phone_tail");
		return;
	}
	await opened(answer, await linkKey(session.k), "kx.link.v1");
}

function askGate(kind) {
	const attributes = kind === "phone_tail" ? { inputmode: "numeric", maxlength: "4" } : { maxlength: "40" };
	const entry = field("gate", t(kind), attributes);
	const send = button(t("confirm"), async () => {
		const [value, fault] = readGate(kind, entry.input.value);
		if (!entry.fault(fault)) return;
		try {
			await fetchLink(await gateDigest(session.linkId, value));
		} catch (error) {
			if (error.slug === "gate-wrong") entry.fault(t("gateWrong"));
			else failed(error, () => askGate(kind));
		}
	});
	paintForm([h("h1", { tabindex: "-1" }, t("gateTitle")), h("p", { class: "lead" }, t("gateHint")), entry.box], send,
		maskedFace(session.state));
	entry.input.focus();
}

function paintForm(parts, send, above = null) {
	const form = h("form", { class: "form", novalidate: "", onsubmit: (event) => { event.preventDefault(); send.click(); } },
		parts, h("button", { class: "unseen", tabindex: "-1", "aria-hidden": "true" }));
	paint([above, form], [send]);
}

async function loadPickup() {
	session.merchant = await get(`merchants/${session.slug}`);
	paintPickup();
}

function paintPickup() {
	const { parts, send } = pickupForm(session.typed, async (code, value) => {
		try {
			await fetchPickup(code, value);
		} catch (error) {
			if (error.slug === "link-unknown") return t("pickupUnknown");
			failed(error, paintPickup);
		}
		return "";
	});
	paintForm(parts, send, h("p", { class: "shop" }, session.merchant.name));
}

async function fetchPickup(code, value) {
	const { merchant_id: merchantId, slug } = session.merchant;
	const answer = await post("pickup/open", { slug, lookup: await pickupLookup(code, merchantId), value });
	session.linkId = answer.link_id;
	session.auth = answer.auth;
	await opened(answer, await pickupKey(code, merchantId), "kx.pickup.v1");
}

async function opened(answer, bits, label) {
	session.state = answer.state;
	if (UNUSABLE.includes(answer.state.card)) return paintUnusable();
	try {
		session.card = await decrypt(bits, label, session.linkId, answer);
	} catch {
		return paint([frame("damaged")]);
	}
	paintCard();
	acknowledge();
	return takeUp();
}

/** Takes up a redemption that an earlier visit began and never heard the end of. */
async function takeUp() {
	if (!pending(session)) return;
	let answer = null;
	try {
		answer = await resolvePending(session);
	} catch {
		// Still no network: the sheet offers the same op again.
	}
	if (answer) await afterRedeem(answer);
	else redeem();
}

/** Tells the server that the card was really shown; without it the merchant sees 已打开 only. */
async function acknowledge(tries = 4) {
	try {
		await post(`links/${session.linkId}/ack`, { auth: session.auth });
		session.state.link = "claimed";
	} catch {
		if (tries > 0) setTimeout(() => acknowledge(tries - 1), 3000);
	}
}

function paintCard() {
	const { card, state } = session;
	const rest = left(state, card);
	const usable = state.card === "active" && (rest.minor > 0 || rest.uses > 0);
	const go = target(card, usable ? "normal" : "primary");
	paint([
		cardFace(state, card),
		card.kind === "supplier" ? fieldsPanel(card.fields ?? []) : codePanel(card.code),
		usable && go, notePanel(card.note), historyPanel(state),
	], [usable ? button(t("redeem"), () => redeem()) : go]);
}

function redeem() {
	openSheet(session, { done: afterRedeem, refused: afterRefusal });
}

async function afterRedeem(answer) {
	try {
		await refresh();
	} catch {
		Object.assign(session.state, { remaining_minor: answer.remaining_minor, remaining_uses: answer.remaining_uses });
		if (!answer.remaining_minor && !answer.remaining_uses) session.state.card = "spent";
	}
	paintDone(answer);
}

/** The card is no longer what it was: shows what it is now. */
async function afterRefusal() {
	await attempt(async () => {
		await refresh();
		if (UNUSABLE.includes(session.state.card)) paintUnusable();
		else paintCard();
	});
}

function paintDone(answer) {
	const { card, state } = session;
	const done = doneFrame(answer);
	const finish = button(t("finish"), () => (card ? paintCard() : paintMasked()));
	paint([done, card?.code ? codePanel(card.code) : null, historyPanel(state)], [finish]);
}

function start() {
	const [, door, name] = location.pathname.match(/\/([cp])\/([^/]+)\/?$/) ?? [];
	document.documentElement.lang = LANGUAGE;
	document.title = t(door === "p" ? "pickupHead" : "title");
	session = {};
	if (isSecureContext && !window.crypto?.subtle) return paint([frame("old")]);
	if (door === "p") {
		session = { slug: name, door: loadPickup, typed: {} };
		return attempt(loadPickup);
	}
	return enterLink(name);
}

/** Takes the key out of the address at once; it stays in memory, and in this tab for a reload. */
async function enterLink(linkId) {
	const fragment = read(location.hash.slice(1).split("&")[0]).text;
	history.replaceState(null, "", location.pathname + location.search);
	const shelf = `kx.k.${linkId}`;
	if (fragment) sessionStorage.setItem(shelf, fragment);
	const k = fragment || sessionStorage.getItem(shelf) || "";
	if (!linkId || !K.test(k)) return paint([frame("link-unknown")]);
	session = { linkId, k, auth: await linkAuth(k), door: loadLink };
	return attempt(loadLink);
}

window.addEventListener("hashchange", start);
start();
