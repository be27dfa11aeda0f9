// The form of the pick-up door: reads what was typed or pasted, finds slips.

import { PICKUP_LENGTH, check, groups, read, split } from "./codes.js";
import { button, field, h } from "./dom.js";
import { t } from "./texts.js";

/** [words, place]: what is wrong with a typed code, and the place of the symbol to blame or -1. */
function codeFault(typed) {
	const { text, foreign } = read(typed);
	if (!text) return [t("codeMissing"), -1];
	if (foreign >= 0) return [t("codeForeign", { place: foreign + 1, symbol: [...text][foreign] }), foreign];
	if (text.length < PICKUP_LENGTH) return [t("codeShort", { count: PICKUP_LENGTH - text.length }), -1];
	if (text.length > PICKUP_LENGTH) return [t("codeLong", { count: text.length - PICKUP_LENGTH }), -1];
	const { valid, suspect } = check(text);
	if (valid) return ["", -1];
	return suspect >= 0 ? [t("codeSuspect", { place: suspect + 1, symbol: text[suspect] }), suspect] : [t("codeWrong"), -1];
}

/** Says what is wrong with the code; `takesFocus` also selects the symbol to blame. */
function checkCode(entry, takesFocus) {
	const [fault, place] = codeFault(entry.input.value);
	const { text, foreign } = read(entry.input.value);
	if (text && foreign < 0) entry.input.value = groups(text).join("-");
	const fine = entry.fault(fault, takesFocus);
	if (place >= 0 && foreign < 0 && takesFocus) {
		const start = place + Math.floor(place / 4);
		entry.input.setSelectionRange(start, start + 1);
	}
	return fine;
}

/** A phone tail or employee number as the server compares it, and what is wrong with it. */
export function readGate(kind, typed) {
	const value = typed.normalize("NFKC").trim().toUpperCase();
	if (kind === "phone_tail" && !/^\d{4}$/.test(value)) return [value, t("tailShort")];
	return [value, value ? "" : t("valueMissing")];
}

function takePaste(event, code, value, send) {
	const found = split(event.clipboardData?.getData("text") ?? "");
	if (!found) return;
	event.preventDefault();
	code.input.value = groups(found.code).join("-");
	code.fault("");
	if (found.value) {
		value.input.value = found.value;
		value.fault("");
	}
	(found.value ? send : value.input).focus();
}

/** { parts, send }: the form's rows and its button. `fetch(code, value)` does the work, `typed` survives a repaint. */
export function pickupForm(typed, fetch) {
	const code = field("code", t("pickupCode"), { autocapitalize: "characters", maxlength: "200", placeholder: "XXXX-XXXX-XXXX-XX" });
	const value = field("value", t("either"), { maxlength: "200" });
	code.input.value = typed.code ?? "";
	value.input.value = typed.value ?? "";
	const send = button(t("claim"), async () => {
		const [wanted, fault] = readGate("either", value.input.value);
		if (!checkCode(code, true) || !value.fault(fault)) return;
		Object.assign(typed, { code: code.input.value, value: wanted });
		const refusal = await fetch(read(code.input.value).text, wanted);
		if (refusal) code.fault(refusal);
	});
	for (const entry of [code, value]) {
		entry.input.addEventListener("paste", (event) => takePaste(event, code, value, send));
		entry.input.addEventListener("input", () => entry.fault(""));
	}
	code.input.addEventListener("change", () => { if (code.input.value) checkCode(code, false); });
	return { parts: [h("h1", { tabindex: "-1" }, t("pickupHead")), h("p", { class: "lead" }, t("pickupHint")), code.box, value.box], send };
}
