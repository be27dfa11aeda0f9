// Parts of a screen that show a card: face, code, a supplier's fields, history.

import { groups } from "./codes.js";
import { copy, copyButton, h } from "./dom.js";
import { dataUri } from "./qr.js";
import { moment, money, t, times } from "./texts.js";

const CODE_NAME = /code|卡密|密码|兑换码|激活码|券码|key|pin/i;

const counts = (state, card) => (state.remaining_uses ?? (card.kind === "exchange" ? card.uses : null));

/** What is left: { minor } or { uses }, both null for a supplier's code. */
export function left(state, card) {
	if (card.kind === "supplier") return { minor: null, uses: null };
	if (card.kind === "exchange") return { minor: null, uses: counts(state, card) };
	return { minor: state.remaining_minor ?? card.face_minor, uses: null };
}

export const leftText = ({ minor, uses }) => (minor !== null ? money(minor) : times(uses ?? 0));

/** The card before it is opened: whose it is, nothing of what it holds. */
export function maskedFace(state) {
	const chip = t(state.link === "waiting" ? "chipWaiting" : "chipClaimed");
	return h("section", { class: "face" },
		h("div", { class: "top" }, h("span", { class: "merchant" }, state.merchant.name), h("span", { class: "chip" }, chip)),
		h("div", { class: "worth" }, h("span", { class: "product" }, t("aCard")),
			h("span", { class: "figure", "aria-label": t("hidden") }, "¥ ••••")),
		h("div", { class: "foot" }, h("span", {}, t("hidden"))));
}

function worth(state, card) {
	const rest = left(state, card);
	if (rest.minor !== null) return money(rest.minor);
	if (rest.uses !== null) return times(rest.uses);
	return card.face_minor ? money(card.face_minor) : null;
}

export function cardFace(state, card) {
	const spent = state.card === "spent";
	const figure = worth(state, card);
	const partly = card.kind !== "exchange" && state.remaining_minor !== null && state.remaining_minor !== card.face_minor;
	const label = card.kind === "exchange" ? t("usesLeft") : partly ? t("amountLeft") : null;
	return h("section", { class: spent ? "face used" : "face" },
		h("div", { class: "top" }, h("span", { class: "merchant" }, state.merchant.name),
			h("span", { class: "chip" }, t(spent ? "chipSpent" : "chipActive"))),
		h("div", { class: "worth" }, h("h1", { class: "product", tabindex: "-1" }, card.product),
			figure && h("p", { class: figure[10] ? "long figure" : "figure" }, label && h("small", {}, label), figure)),
		h("div", { class: "foot" },
			h("span", {}, card.valid_until ? t("until", { when: moment(card.valid_until) }) : t("always")),
			card.holder && h("span", {}, t("holder", { name: card.holder }))));
}

export function codePanel(code) {
	const picture = dataUri(code);
	return h("section", { class: "panel" },
		h("h2", {}, t("code")),
		h("p", { class: "code", translate: "no" }, ...groups(code).flatMap((group) => [h("span", {}, group), " "])),
		copyButton(code, t("copyCode"), t("copyCode"), "normal"),
		picture && h("figure", {}, h("img", { src: picture, alt: t("scan"), width: "176", height: "176" }), h("figcaption", {}, t("scan"))));
}

export function fieldsPanel(fields) {
	return h("section", { class: "panel" }, h("dl", {}, ...fields.map(([name, value]) => h("div", {},
		h("dt", {}, name),
		h("dd", {}, h("span", { class: "value", translate: "no" }, value), copyButton(value, t("copy"), t("copyOf", { name })))))));
}

export function notePanel(note) {
	return note ? h("section", { class: "panel" }, h("p", { class: "note" }, note)) : null;
}

/** The supplier's page, https only; `{code}` in its address becomes the code. */
export function target(card, kind) {
	const fields = card.fields ?? [];
	const code = card.code || (fields.find(([name]) => CODE_NAME.test(name)) ?? fields[0] ?? [])[1] || "";
	let address;
	try {
		address = new URL((card.target_url ?? "").replaceAll("{code}", encodeURIComponent(code)));
	} catch {
		return null;
	}
	if (address.protocol !== "https:") return null;
	return h("a", { class: kind, href: address.href, target: "_blank", rel: "noopener noreferrer", onclick: () => { copy(code); } }, t("target"));
}

export function historyPanel(state) {
	if (!state.history?.length) return null;
	return h("section", { class: "panel history" }, h("h2", {}, t("history")), h("ul", {}, ...state.history.map((entry) => {
		const sum = entry.amount_minor || entry.uses, back = sum < 0;
		const what = (entry.amount_minor ? money : times)(Math.abs(sum));
		return h("li", {},
			h("span", {}, t(entry.kind), h("time", { datetime: entry.at }, moment(entry.at, false))),
			h("span", { class: back ? "sum back" : "sum" }, `${back ? "+" : "−"}${what}`));
	})));
}
