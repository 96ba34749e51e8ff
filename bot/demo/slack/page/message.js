// One message: who, when, what it says, its files, reactions, thread and the menu beside it.

import { disclosure, draw } from "./blocks.js";
import { h, nightjar } from "./dom.js";
import { emoji, REACTIONS } from "./emoji.js";
import { act, key, me, nameOf, repliesOf, state, zone } from "./store.js";
import { mrkdwn } from "./text.js";
import { ask, toast } from "./panels.js";

export const clock = (ts, seconds) => new Date(Number(ts) * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined, timeZone: zone() });
const day = (ts) => new Date(Number(ts) * 1000).toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", timeZone: zone() });

export function avatar(id, extra = "") {
  const user = state.users.get(id);
  if (id === state.bot) return h("span", { class: `avatar bird ${extra}` }, nightjar());
  const name = user ? user.real_name : "Slack";
  const letters = name.split(" ").map((part) => part[0]).slice(0, 2).join("");
  const tone = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;
  return h("span", { class: `avatar tone${tone} ${extra}`, "aria-hidden": "true" }, letters);
}

export async function attempt(work, control) {
  if (control) control.disabled = true;
  try {
    const outcome = await work();
    if (outcome && outcome.reason && outcome.reason !== "ok") {
      toast({ timeout: "Nightjar did not answer within 3 seconds.", no_connection: "Nightjar is not connected." }[outcome.reason] || "Nightjar answered with an error.", "bad");
    }
  } catch (error) {
    toast(`That did not work: ${error.message}`, "bad");
  } finally {
    if (control) control.disabled = false;
  }
}

function contextOf(message) {
  const press = async (element, value, control) => {
    if (element.confirm && !(await ask(element.confirm))) return;
    if (element.url) window.open(element.url, "_blank", "noopener");
    const body = { message: { channel: message.channel, ts: message.ts }, action_id: element.action_id, user: state.me };
    await attempt(() => act("press", value === undefined ? body : { ...body, value }), control.tagName === "BUTTON" ? control : null);
  };
  const writing = message.streaming_state === "in_progress";
  return { id: key(message.channel, message.ts), press, me: state.me, dead: false, writing };
}

function attachment(one, context) {
  const fields = (one.fields || []).map((field) => h("div", {}, h("b", {}, field.title), h("br"), mrkdwn(String(field.value || ""))));
  const bar = /^#[0-9a-f]{3,6}$/i.test(one.color || "") ? one.color : { good: "#1f8f5f", warning: "#d18b13", danger: "#c9343b" }[one.color];
  const box = h("div", { class: "attachment" }, one.pretext ? h("p", {}, mrkdwn(one.pretext)) : null,
    one.title ? h("b", {}, one.title_link ? mrkdwn(`<${one.title_link}|${one.title}>`) : one.title) : null,
    one.text ? h("div", {}, mrkdwn(one.text)) : null, fields.length ? h("div", { class: "fields" }, fields) : null,
    one.blocks ? draw(one.blocks, context) : null, one.footer ? h("small", {}, one.footer) : null);
  if (bar) box.style.borderLeftColor = bar;
  return box;
}

function file(one) {
  const url = new URL(one.permalink, location.href).pathname;
  if (one.mimetype.startsWith("image/")) {
    return h("figure", { class: "image" }, h("figcaption", {}, one.title), h("a", { href: url, target: "_blank", rel: "noopener" }, h("img", { src: url, alt: one.alt_txt || one.title, loading: "lazy" })));
  }
  return h("a", { class: "file", href: url, download: one.name }, h("span", { class: "file-kind" }, one.filetype.toUpperCase().slice(0, 4)), h("span", {}, h("b", {}, one.title), h("small", {}, `${Math.max(1, Math.round(one.size / 1024))} KB`)));
}

function reactions(message) {
  const toggle = (name, on) => attempt(() => act("react", { channel: message.channel, ts: message.ts, name, user: state.me, remove: on }));
  return h("div", { class: "reactions" }, (message.reactions || []).map((one) => {
    const mine = one.users.includes(state.me);
    return h("button", { class: "reaction", "aria-pressed": mine, title: one.users.map(nameOf).join(", "), onclick: () => toggle(one.name, mine) }, `${emoji(one.name)} ${one.count}`);
  }));
}

function threadLink(message, open) {
  const count = message.reply_count || 0;
  if (!count) return null;
  const channel = state.channels.get(message.channel);
  const faces = [...new Set(repliesOf(channel, message.ts).map((reply) => reply.user))].slice(0, 4).map((id) => avatar(id, "tiny"));
  return h("button", { class: "thread-link", onclick: () => open(message) }, faces, h("b", {}, count === 1 ? "1 reply" : `${count} replies`), h("small", {}, `last at ${clock(message.latest_reply)}`), h("span", { class: "go", "aria-hidden": "true" }, "›"));
}

function working(message) {
  const at = key(message.channel, message.ts);
  const status = state.statuses.get(at);
  const busy = (state.sessions.get(at) || {}).status === "processing";
  if (!status && !busy) return null;
  return h("p", { class: "working" }, h("span", { class: "dots" }, h("i"), h("i"), h("i")), `Nightjar ${status || "is at work"}`);
}

function menu(message, open, inThread) {
  const own = message.user === state.me;
  const at = { channel: message.channel, ts: message.ts };
  const tool = (label, sign, go) => h("button", { class: "icon-button", title: label, "aria-label": label, onclick: go }, sign);
  const more = [
    inThread ? null : h("button", { class: "touch-only", onclick: () => open(message) }, "Reply in thread"),
    ...Object.entries(state.offer.shortcuts).map(([id, label]) => h("button", { onclick: (e) => attempt(() => act("shortcut", { message: at, callback_id: id, user: state.me }), e.currentTarget) }, `${label}`)),
    own ? h("button", { onclick: () => edit(message) }, "Edit") : null,
    own ? h("button", { onclick: () => attempt(() => act("delete", at)) }, "Delete") : null,
  ];
  return h("div", { class: "tools", role: "group", "aria-label": "Message actions" },
    REACTIONS.slice(0, 3).map((name) => tool(`React with ${name}`, emoji(name), () => attempt(() => act("react", { ...at, name, user: state.me, remove: false })))),
    inThread ? null : tool("Reply in thread", "💬", () => open(message)),
    h("details", { class: "overflow" }, h("summary", { title: "More", "aria-label": "More actions" }, "⋯"), h("div", { class: "menu" }, more)));
}

async function edit(message) {
  const box = h("textarea", { rows: 3, "aria-label": "Message" });
  box.value = message.text.replace(/<@([A-Z0-9]+)>/g, (whole, id) => `@${(state.users.get(id) || {}).name || id}`).replace(/<(https?:[^>|]+)>/g, "$1").replace(/<#\w+\|([^>]+)>/g, "#$1").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  if (await ask({ title: { text: "Edit message" }, body: box, confirm: { text: "Save" }, deny: { text: "Cancel" } })) {
    await attempt(() => act("edit", { channel: message.channel, ts: message.ts, text: box.value }));
  }
}

function said(message) {
  const context = contextOf(message);
  const blocks = message.blocks && message.blocks.length ? draw(message.blocks, context) : null;
  const body = blocks || (message.text ? h("div", { class: "md" }, mrkdwn(message.text)) : null);
  const long = !blocks && message.text.length > 4000;
  return [
    long ? disclosure(`${context.id}/long`, { className: "long", open: false, summary: "Show the whole message" }, body) : body,
    (message.attachments || []).map((one) => attachment(one, context)),
    (message.files || []).map(file),
  ];
}

const STREAM = { in_progress: ["writing", "still writing"], errored: ["cut", "The stream was cut here."] };

export function messageElement(message, before, { open, inThread }) {
  const bot = Boolean(message.bot_id);
  const same = before && before.user === message.user && !before.visible_to && !message.visible_to && Number(message.ts) - Number(before.ts) < 300 && !before.reply_count;
  const stream = STREAM[message.streaming_state];
  const dated = !before || day(before.ts) !== day(message.ts) ? h("div", { class: "day" }, h("span", {}, day(message.ts))) : null;
  const loud = me() && message.text.includes(`<@${state.me}>`);
  return h("article", { class: `message ${same && !dated ? "same" : ""} ${message.visible_to ? "private" : ""} ${loud ? "loud" : ""}`, data: { ts: message.ts }, "aria-label": `${nameOf(message.user)} at ${clock(message.ts)}` },
    dated,
    h("div", { class: "row" }, same && !dated ? h("span", { class: "gutter" }, clock(message.ts)) : avatar(message.user),
      h("div", { class: "body" },
        message.visible_to ? h("p", { class: "only" }, "Only visible to you") : null,
        same && !dated ? null : h("p", { class: "who" }, h("b", {}, message.username || nameOf(message.user)), bot ? h("span", { class: "badge" }, "APP") : null, h("time", { title: clock(message.ts, true) }, clock(message.ts))),
        h("div", { class: `content ${stream ? stream[0] : ""}` }, said(message)),
        stream && stream[0] === "cut" ? h("p", { class: "cut-note" }, stream[1]) : null,
        message.edited && !message.bot_id ? h("small", { class: "edited" }, "(edited)") : null,
        (message.reactions || []).length ? reactions(message) : null,
        inThread ? null : working(message),
        inThread ? null : threadLink(message, open)),
      message.visible_to ? null : menu(message, open, inThread)));
}
