// Redeeming from the phone: a sheet to confirm, one op id until it is answered, never lost and never twice.

import { button, countdown, field, frame, h, help, sheet, show } from "./dom.js";
import { left } from "./faces.js";
import { cardDigest, uuid4 } from "./keys.js";
import { money, readMoney, t, times } from "./texts.js";
import { Offline, get, post } from "./wire.js";

const WAITS_MS = [1000, 2000, 4000, 8000, 15000];
// Refusals that mean the card is no longer what the page shows.
const GONE = /spent|frozen|voided|expired|unknown|incomplete/;
const SETTLE_MS = 350;

// The running op is kept without `d`: what lies on the phone redeems nothing.
const shelf = (session) => `kx.op.${session.linkId}`;
const remember = (session, op) => localStorage.setItem(shelf(session), JSON.stringify(op));
const forget = (session) => localStorage.removeItem(shelf(session));

/** The redemption of which this page never heard the end, or null. */
export function pending(session) {
  try {
    return JSON.parse(localStorage.getItem(shelf(session)));
  } catch {
    return null;
  }
}

/** The answer to an op sent earlier; null where there was none, or the server never got it. */
export async function resolvePending(session) {
  const op = pending(session);
  if (!op) return null;
  try {
    const answer = await get(`redeem/${op.op_id}`);
    forget(session);
    return answer;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

const whatText = (op) => (op.amount_minor !== null ? money(op.amount_minor) : times(op.uses ?? 1));

function stepper(max, changed) {
  let count = 1;
  const output = h("output", { "aria-live": "polite" });
  const fewer = button("−", () => set(count - 1), "normal");
  const more = button("+", () => set(count + 1), "normal");
  fewer.setAttribute("aria-label", t("fewer"));
  more.setAttribute("aria-label", t("more"));
  function set(wanted) {
    count = Math.min(max, Math.max(1, wanted));
    output.textContent = times(count);
    fewer.disabled = count === 1;
    more.disabled = count === max;
    changed(count);
  }
  set(1);
  return h("div", { class: "field", role: "group", "aria-label": t("count") },
    h("div", { class: "stepper" }, fewer, output, more), h("p", { class: "hint" }, t("countMax", { max })));
}

function amountField(max) {
  const all = button(t("all"), () => { entry.input.value = (max / 100).toFixed(2); entry.fault(""); }, "normal");
  const entry = field("amount", `${t("amount")} · ${t("amountMax", { max: money(max) })}`, { inputmode: "decimal", maxlength: "16" }, all);
  return {
    ...entry,
    read() {
      const minor = readMoney(entry.input.value);
      if (!minor) entry.fault(t("amountBad"));
      else if (minor > max) entry.fault(t("amountOver", { max: money(max) }));
      else entry.fault("");
      return minor && minor <= max ? minor : null;
    },
  };
}

/** The choice a card offers: { box, read() } where `read` gives the amounts, or null while they are wrong. */
function choice(session, op) {
  const { card } = session;
  const rest = left(session.state, card);
  const line = (text) => h("p", { class: "what" }, h("span", {}, card.product), h("strong", {}, text));
  if (op) return { box: line(whatText(op)), read: () => op };
  if (rest.uses !== null) {
    let uses = 1;
    const box = rest.uses > 1 ? [line(times(1)), stepper(rest.uses, (count) => { uses = count; })] : [line(times(1))];
    if (rest.uses > 1) box[0] = h("p", { class: "what" }, h("span", {}, card.product));
    return { box, read: () => ({ amount_minor: null, uses }) };
  }
  if (!card.partial) return { box: line(money(rest.minor)), read: () => ({ amount_minor: rest.minor, uses: null }) };
  const entry = amountField(rest.minor);
  return {
    box: [h("p", { class: "what" }, h("span", {}, card.product)), entry.box],
    read() {
      const minor = entry.read();
      return minor ? { amount_minor: minor, uses: null } : null;
    },
  };
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
    try {
      const answer = await settle(session, { ...amounts, op_id: opId });
      close();
      await then.done(answer);
    } catch (error) {
      opId = uuid4();
      confirm.textContent = t("confirmRedeem");
      refused(session, error, then, trouble, close);
    }
  });
  const cancel = button(t("cancel"), () => { forget(session); close(); }, "quiet");
  confirm.disabled = true; // The tap that opened the sheet must not also confirm it.
  setTimeout(() => { confirm.disabled = false; }, SETTLE_MS);
  const close = sheet(t(before ? "resume" : "sheetTitle"), h("p", { class: "lead" }, t("sheetHint")), chosen.box, trouble,
    h("div", { class: "buttons" }, confirm, cancel));
}

function refused(session, error, then, trouble, close) {
  if (error.slug === "insufficient-balance") {
    if (Number.isInteger(error.body.remaining_minor)) session.state.remaining_minor = error.body.remaining_minor;
    close();
    openSheet(session, then, t("changed"));
  } else if (trouble.isConnected && !GONE.test(error.slug)) trouble.textContent = t(error.slug) || t("invalid");
  else {
    close();
    then.refused();
  }
}

/** Sends one op until it is answered. Throws only what the server really said. */
async function settle(session, op) {
  const { card, linkId, state } = session;
  const d = await cardDigest(card.merchant_id, card.code);
  const body = { ...op, merchant_id: card.merchant_id, d, link_id: linkId };
  remember(session, op);
  for (let round = 0; ; round += 1) {
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
