// Building what is shown. Data reaches the page as text and attributes only.

import { t } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element; `on…` are listeners, empty children are left out. */
export function h(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
		else element.setAttribute(name, value);
	}
	element.append(...children.flat().filter(Boolean));
	return element;
}

function icon(name) {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("class", "icon");
	svg.setAttribute("aria-hidden", "true");
	const use = document.createElementNS(SVG, "use");
	use.setAttribute("href", `#i-${name}`);
	svg.append(use);
	return svg;
}

export function say(text) {
	const live = document.getElementById("live");
	live.textContent = "";
	setTimeout(() => { live.textContent = text; }, 50);
}

/** A button that ignores taps while its own work is running. */
export function button(label, work, kind = "primary") {
	const element = h("button", { type: "button", class: kind }, label);
	element.addEventListener("click", async () => {
		if (element.getAttribute("aria-busy") === "true") return;
		element.setAttribute("aria-busy", "true");
		try {
			await work(element);
		} finally {
			element.removeAttribute("aria-busy");
		}
	});
	return element;
}

// State → its icon and its colour.
const STATES = {
	waiting: ["gift", "info"], claimed: ["card", "info"], spent: ["done", "ok"], done: ["done", "ok"],
	running: ["wait", "info"], unsealed: ["wait", "info"], expired: ["late"], "link-expired": ["late"], frozen: ["lock", "warn"],
	voided: ["void", "error"], "link-recalled": ["back"], "link-unknown": ["link", "warn"], damaged: ["card", "error"],
	offline: ["net", "warn"], slow: ["slow", "warn"], failed: ["wait", "warn"], old: ["lock", "warn"],
};

const CONTACT = /voided|recalled|link-expired|damaged/;

/** The frame of every state: an icon, one sentence, what to do. */
export function frame(key, values = {}) {
	const [name, tone = "calm"] = STATES[key];
	const hint = t(`${key}Hint`, values) || (CONTACT.test(key) && t("contact"));
	return h("section", { class: `frame ${tone}` },
		h("span", { class: "disc" }, icon(name)), h("h1", { tabindex: "-1" }, t(key, values)), hint && h("p", {}, hint));
}

export function help(merchant) {
	if (!merchant?.phone) return null;
	const number = merchant.phone.replace(/[^\d+,]/g, "");
	return h("p", { class: "help" },
		h("a", { href: `tel:${number}` }, t("help", { merchant: merchant.name, phone: merchant.phone.replace(/ /g, "\u00a0") })));
}

/** Puts a screen on the page: `actions` at the thumb; the new heading takes the focus. */
export function show(parts, actions = [], foot = null) {
	document.querySelector("dialog")?.remove();
	document.getElementById("page").replaceChildren(
		h("div", { class: "body" }, parts, foot),
		actions.some(Boolean) ? h("div", { class: "bar" }, actions) : "",
	);
	window.scrollTo(0, 0);
	const heading = document.querySelector("#page h1");
	heading?.focus({ preventScroll: true });
	if (heading) say(heading.textContent);
}

/** Counts seconds down in a frame's sentence. Ends early when the frame has left the page. */
export function countdown(part, seconds) {
	const title = part.querySelector("h1");
	const tell = (left) => { title.textContent = left > 0 ? t("slow", { seconds: left }) : t("slowReady"); };
	tell(seconds);
	say(title.textContent);
	return new Promise((resolve) => {
		const timer = setInterval(() => {
			seconds -= 1;
			tell(seconds);
			if (seconds > 0 && title.isConnected) return;
			clearInterval(timer);
			if (title.isConnected) say(title.textContent);
			resolve();
		}, 1000);
	});
}

/** A labelled field with room for its fault; `fault(text)` sets it and `fault("")` clears it. */
export function field(id, label, attributes = {}, extra = null) {
	const input = h("input", { id, type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
		"aria-describedby": `${id}-fault`, ...attributes });
	const fault = h("p", { class: "fault", id: `${id}-fault`, role: "alert" });
	const box = h("div", { class: "field" }, h("label", { for: id }, label), h("div", { class: "line" }, input, extra), fault);
	return {
		box,
		input,
		fault(text, takesFocus = true) {
			fault.textContent = text;
			if (text) {
				input.setAttribute("aria-invalid", "true");
				if (takesFocus) input.focus();
			} else input.removeAttribute("aria-invalid");
			return !text;
		},
	};
}

/** A sheet over the page. Gives back its `close`. */
export function sheet(title, ...children) {
	const dialog = h("dialog", { class: "sheet", "aria-labelledby": "sheet-title" },
		h("h2", { id: "sheet-title", tabindex: "-1" }, title), ...children);
	document.body.append(dialog);
	const close = () => dialog.remove();
	dialog.addEventListener("close", close);
	if (dialog.showModal) dialog.showModal();
	else dialog.setAttribute("open", "");
	dialog.querySelector("h2").focus();
	return close;
}

function copyByHand(text) {
	const area = h("textarea", { class: "unseen", readonly: "" });
	area.value = text;
	(document.querySelector("dialog[open]") ?? document.body).append(area);
	area.select();
	const worked = document.execCommand("copy");
	area.remove();
	return worked;
}

export async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return copyByHand(text);
	}
}

export function copyButton(text, label, name = label, kind = "quiet") {
	const element = button(label, async () => {
		const worked = await copy(text);
		element.textContent = t(worked ? "copied" : "copyFailed");
		say(element.textContent);
		setTimeout(() => { element.textContent = label; }, 2000);
	}, kind);
	if (name !== label) element.setAttribute("aria-label", name);
	return element;
}
