// Redeeming: a sheet to confirm, one op id until it is answered, never lost and never twice.

import { button, countdown, field, frame, h, help, sheet, show } from "./dom.js";
import { left } from "./faces.js";
import { cardDigest, uuid4 } from "./keys.js";
import { money, readMoney, t, times } from "./texts.js";
import { Offline, get, post } from "./wire.js";

const WAITS_MS = [1000, 2000, 4000, 8000, 15000];
// The card is no longer what the page shows.
const GONE = /spent|frozen|voided|expired|unknown|incomplete/;
const SETTLE_MS = 350;

// The running op is kept without `d`: what lies on the phone redeems nothing.
const shelf = (session) => `kx.op.${session.linkId}`;
const remember = (session, op) => {
	try {
		localStorage.setItem(shelf(session), JSON.stringify(op));
	} catch {} // Without storage the op lives as long as the page.
};
const forget = (session) => localStorage.removeItem(shelf(session));

/** The redemption of which this page never heard the end, or null. */
export function pending(session) {
	try {
		return JSON.parse(localStorage.getItem(shelf(session)));
	} catch {
		return null;
	}
}

/** The answer to an op sent earlier; null where there was none, or the server took nothing. */
export async function resolvePending(session) {
	const op = pending(session);
	if (!op) return null;
	try {
		const answer = await get(`redeem/${op.op_id}`);
		forget(session);
		return answer;
	} catch (error) {
		if (error instanceof Offline || error.status === 429) throw error;
		if (error.status !== 404) forget(session);
		return null;
	}
}

function stepper(max) {
	let count = 1;
	const output = h("output", {}, times(1));
	const step = (sign, by, label) => {
		const element = button(sign, () => {
			count = Math.min(max, Math.max(1, count + by));
			output.textContent = times(count);
		}, "normal");
		element.setAttribute("aria-label", t(label));
		return element;
	};
	const box = h("div", { class: "field", role: "group", "aria-label": t("count") },
		h("div", { class: "stepper" }, step("−", -1, "fewer"), output, step("+", 1, "more")));
	return { box, count: () => count };
}

function amountField(max) {
	const most = money(max);
	const all = button(t("all"), () => { entry.input.value = (max / 100).toFixed(2); entry.fault(""); }, "normal");
	const entry = field("amount", `${t("amount")} · ${t("amountMax", { max: most })}`, { inputmode: "decimal", maxlength: "16" }, all);
	const read = () => {
		const minor = readMoney(entry.input.value);
		const fine = entry.fault(!minor ? t("amountBad") : minor > max ? t("amountOver", { max: most }) : "");
		return fine && { amount_minor: minor, uses: null };
	};
	return { box: entry.box, read };
}

/** The choice a card offers: { box, read() } where `read` gives the amounts, or false while they are wrong. */
function choice(session, op) {
	const { card, state } = session;
	const { minor, uses } = left(state, card);
	const row = (what) => h("p", { class: "what" }, h("span", {}, card.product), what && h("strong", {}, what));
	if (op) return { box: row(op.amount_minor ? money(op.amount_minor) : times(op.uses)), read: () => op };
	if (uses > 1) {
		const steps = stepper(uses);
		return { box: [row(), steps.box], read: () => ({ amount_minor: null, uses: steps.count() }) };
	}
	if (uses) return { box: row(times(1)), read: () => ({ amount_minor: null, uses: 1 }) };
	if (!card.partial) return { box: row(money(minor)), read: () => ({ amount_minor: minor, uses: null }) };
	const entry = amountField(minor);
	return { box: [row(), entry.box], read: entry.read };
}

/** Asks once more before anything changes. `then` = { done(answer), refused() }. */
export function openSheet(session, then, fault = "") {
	const before = pending(session);
	const chosen = choice(session, before);
	let opId = before?.op_id ?? uuid4();
	const trouble = h("p", { class: "fault", role: "alert" }, fault);
	const confirm = button(t("confirmRedeem"), async () => {
		const amounts = chosen.read();
		if (!amounts) return;
		trouble.textContent = "";
		confirm.textContent = t("redeeming");
		cancel.disabled = true;
		let answer;
		try {
			answer = await settle(session, { ...amounts, op_id: opId });
		} catch (error) {
			opId = uuid4();
			confirm.textContent = t("confirmRedeem");
			cancel.disabled = false;
			refused(session, error, then, trouble, close);
			return;
		}
		close();
		await then.done(answer);
	});
	const cancel = button(t("cancel"), () => { forget(session); close(); }, "quiet");
	confirm.disabled = true; // The tap that opened the sheet must not also confirm it.
	setTimeout(() => { confirm.disabled = false; }, SETTLE_MS);
	const close = sheet(t(before ? "resume" : "sheetTitle"), h("p", { class: "lead" }, t("sheetHint")), chosen.box, trouble, confirm, cancel);
}

function refused(session, error, then, trouble, close) {
	const short = error.slug === "insufficient-balance";
	if (!short && trouble.isConnected && !GONE.test(error.slug)) {
		trouble.textContent = t(error.slug) || t("invalid");
		return;
	}
	close();
	if (!short) then.refused();
	else {
		session.state.remaining_minor = error.body.remaining_minor;
		openSheet(session, then, t("changed"));
	}
}

/** Sends one op until it is answered. Throws only what the server really said. */
async function settle(session, op) {
	const { card, linkId, state } = session;
	const d = await cardDigest(card.merchant_id, card.code);
	const body = { ...op, merchant_id: card.merchant_id, d, link_id: linkId };
	remember(session, op);
	for (let round = 0; ; round++) {
		try {
			const answer = (round && await resolvePending(session)) || await post("redeem", body);
			forget(session);
			return answer;
		} catch (error) {
			if (error instanceof Offline) await askAgain(state, round);
			else if (error.status === 429) await slowDown(state, error);
			else {
				forget(session);
				throw error;
			}
		}
	}
}

async function slowDown(state, error) {
	const part = frame("slow");
	show([part], [], help(state.merchant));
	await countdown(part, error.waitSeconds);
}

function askAgain(state, round) {
	return new Promise((resolve) => {
		const part = frame("running");
		show([part], [button(t("askAgain"), resolve)], help(state.merchant));
		window.addEventListener("online", resolve, { once: true });
		setTimeout(resolve, WAITS_MS[Math.min(round, WAITS_MS.length - 1)]);
	});
}

/** The screen's head after a redemption. */
export function doneFrame(answer) {
	const inMoney = answer.redeemed_minor > 0;
	const what = inMoney ? money(answer.redeemed_minor) : times(answer.redeemed_uses ?? 1);
	const rest = inMoney ? money(answer.remaining_minor ?? 0) : times(answer.remaining_uses ?? 0);
	return frame("done", { what, left: rest });
}
