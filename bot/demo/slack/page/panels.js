// What lies over the workspace: toasts, questions, modals, the traffic list and the fault buttons.

import { draw, text } from "./blocks.js";
import { $, h } from "./dom.js";
import { act, bodies, state, zone } from "./store.js";

export function toast(message, kind = "") {
  const note = h("p", { class: `toast ${kind}` }, message);
  $("toasts").append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 7000 : 3500);
}

export function ask(confirm) {
  const body = confirm.body || (confirm.text ? text(confirm.text) : null);
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "ask" }, h("form", { method: "dialog" }, h("h2", {}, text(confirm.title)), h("div", {}, body),
      h("footer", {}, h("button", { value: "no" }, text(confirm.deny) || "Cancel"), h("button", { value: "yes", class: "primary" }, text(confirm.confirm) || "Yes"))));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// Modals

const INPUTS = {
  plain_text_input: (one) => h(one.multiline ? "textarea" : "input", { rows: 4, placeholder: text(one.placeholder), value: one.multiline ? null : one.initial_value, maxlength: one.max_length }, one.multiline ? one.initial_value : null),
  number_input: (one) => h("input", { type: "number", value: one.initial_value }),
  static_select: (one) => h("select", {}, (one.options || []).map((option) => h("option", { value: option.value, selected: (one.initial_option || {}).value === option.value }, text(option.text)))),
  radio_buttons: (one) => h("fieldset", {}, (one.options || []).map((option) => h("label", {}, h("input", { type: "radio", name: one.action_id, value: option.value, checked: (one.initial_option || {}).value === option.value }), text(option.text)))),
  checkboxes: (one) => h("fieldset", {}, (one.options || []).map((option) => h("label", {}, h("input", { type: "checkbox", value: option.value }), text(option.text)))),
};

function valueOf(one, control) {
  if (one.type === "checkboxes") return [...control.querySelectorAll(":checked")].map((box) => box.value);
  if (one.type === "radio_buttons") return (control.querySelector(":checked") || {}).value;
  return control.value || null;
}

let shownView = "";
export function drawModal(errors) {
  const dialog = $("modal");
  const view = state.views.filter((one) => one.user === state.me).pop();
  if (!view) { shownView = ""; if (dialog.open) dialog.close(); return; }
  if (errors) { showErrors(dialog, errors); return; }
  if (shownView === view.hash) return;
  shownView = view.hash;
  const inputs = new Map();
  const fields = view.blocks.map((block) => {
    if (block.type !== "input") return draw([block], { id: view.id, me: state.me, press: () => toast("Buttons inside modals are not part of this demo.") });
    const build = INPUTS[block.element.type] || INPUTS.plain_text_input;
    const control = build(block.element);
    control.setAttribute("aria-label", text(block.label));
    inputs.set(block.element.action_id, [block.element, control]);
    return h("div", { class: "field", data: { block: block.block_id || "" } }, h("span", { class: "label" }, text(block.label), block.optional ? h("small", {}, " (optional)") : null), control,
      block.hint ? h("small", {}, text(block.hint)) : null, h("p", { class: "error", role: "alert" }));
  });
  const submit = async (event) => {
    event.preventDefault();
    showErrors(dialog, {});
    const values = Object.fromEntries([...inputs].map(([id, [one, control]]) => [id, valueOf(one, control)]));
    try {
      const outcome = await act("submit_view", { values, user: state.me });
      if (outcome.reason !== "ok") toast("Nightjar did not take the form. Try again.", "bad");
    } catch (error) { toast(`That did not work: ${error.message}`, "bad"); }
  };
  const close = () => act("close_view", { user: state.me }).catch(() => drawModal());
  dialog.replaceChildren(h("form", { onsubmit: submit }, h("header", {}, h("h2", {}, text(view.title)), h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: close }, "✕")),
    h("div", { class: "fields-stack" }, fields),
    h("footer", {}, h("button", { type: "button", onclick: close }, text(view.close) || "Cancel"), view.submit ? h("button", { class: "primary" }, text(view.submit)) : null)));
  dialog.oncancel = (event) => { event.preventDefault(); close(); };
  if (!dialog.open) dialog.showModal();
}

function showErrors(dialog, errors) {
  for (const field of dialog.querySelectorAll(".field")) field.querySelector(".error").textContent = errors[field.dataset.block] || "";
}

// Traffic and faults

const at = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB", { timeZone: zone() });
const WAYS = { call: ["→", "the bot called Slack"], events_api: ["←", "Slack sent an event"], slash_commands: ["←", "Slack sent a command"], interactive: ["←", "Slack sent a click"] };
let filter = "";

function lineElement(line) {
  const [sign, said] = WAYS[line.kind] || ["·", line.kind];
  const good = line.status === "ok";
  const element = h("details", { class: "line" }, h("summary", {}, h("time", {}, at(line.at)), h("span", { title: said, class: sign === "→" ? "out" : "in" }, sign), h("code", {}, line.name),
    line.attempt ? h("small", {}, `try ${line.attempt + 1}`) : null, h("span", { class: good ? "good" : "bad" }, line.status)));
  element.addEventListener("toggle", async () => {
    if (!element.open || element.querySelector("pre")) return;
    const whole = await bodies(line.number);
    if (whole) element.append(h("pre", {}, JSON.stringify(whole.sent, null, 2)), h("pre", {}, JSON.stringify(whole.answer, null, 2)));
  });
  return element;
}

export function addLine(line) {
  const list = document.querySelector("#drawer .lines");
  if (!list || !line.name.includes(filter)) return;
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(lineElement(line));
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function trafficPanel() {
  const list = h("div", { class: "lines" });
  const fill = () => { list.replaceChildren(...state.traffic.filter((line) => line.name.includes(filter)).slice(-300).map(lineElement)); list.scrollTop = list.scrollHeight; };
  const search = h("input", { type: "search", placeholder: "Filter, e.g. chat.", "aria-label": "Filter the traffic", value: filter, oninput: (event) => { filter = event.currentTarget.value; fill(); } });
  queueMicrotask(fill);
  return [h("p", { class: "hint" }, "Every call the bot made (→) and everything Slack sent to it (←). Open a line for its JSON."), search, list];
}

const FAULTS = [
  ["Drop the next ack", "Slack delivers the event again", "drop_acks", { times: 1 }],
  ["429 on the next 3 posts", "with Retry-After: 1", "fail", { method: "chat.postMessage", kind: "rate_limited", times: 3, seconds: 1 }],
  ["429 on the next 3 appends", "while an answer streams", "fail", { method: "chat.appendStream", kind: "rate_limited", times: 3, seconds: 1 }],
  ["500 on the next call", "nothing happens in Slack", "fail", { method: "*", kind: "server_error", times: 1 }],
  ["Lose the next post's answer", "it lands, the connection is cut", "fail", { method: "chat.postMessage", kind: "landed_dropped", times: 1 }],
  ["Stall the next call 10 s", "a slow Slack", "fail", { method: "*", kind: "stall", times: 1, seconds: 10 }],
  ["Kill open streams", "as after five minutes", "kill_streams", {}],
  ["Disconnect the sockets", "the bot has to come again", "disconnect", {}],
];

function faultPanel() {
  const run = (label, verb, body) => async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try { await act(verb, body); toast(`${label}: done`); } catch (error) { toast(`${label}: ${error.message}`, "bad"); }
    button.disabled = false;
  };
  const limits = h("input", { type: "checkbox", checked: state.limits, onchange: (event) => { state.limits = event.currentTarget.checked; act("limit", { on: state.limits }).catch((error) => toast(error.message, "bad")); } });
  return [h("p", { class: "hint" }, "Break Slack under the bot and watch what it does about it."),
    h("div", { class: "faults" }, FAULTS.map(([label, note, verb, body]) => h("button", { onclick: run(label, verb, body) }, h("b", {}, label), h("small", {}, note)))),
    h("label", { class: "switch" }, limits, " Slack's own rate limits"),
    h("button", { class: "heal", onclick: run("Heal everything", "heal", {}) }, "Heal everything")];
}

const PANELS = { traffic: ["Traffic", trafficPanel], faults: ["Break something", faultPanel] };
let shown = "";
export function toggleDrawer(name) {
  shown = shown === name ? "" : name;
  const drawer = $("drawer");
  drawer.hidden = !shown;
  for (const one of Object.keys(PANELS)) $(`open-${one}`).setAttribute("aria-expanded", shown === one);
  if (!shown) return;
  const [title, build] = PANELS[shown];
  drawer.replaceChildren(h("header", { class: "bar" }, h("div", { class: "title" }, h("h1", {}, title)), h("button", { class: "icon-button", "aria-label": "Close", onclick: () => toggleDrawer("") }, "✕")), h("div", { class: "drawer-body" }, build()));
}
