// The workspace: what is open, what is drawn, and what a click or a key does.

import { draw } from "./blocks.js";
import { composer } from "./composer.js";
import { $, h, nightjar } from "./dom.js";
import { attempt, avatar, messageElement } from "./message.js";
import { addLine, drawModal, toast, toggleDrawer } from "./panels.js";
import { act, channelName, key, listen, nameOf, people, repliesOf, shownIn, state, zone } from "./store.js";
import { setLookup } from "./text.js";

const HOME = "home";
const current = () => state.channels.get(state.open);
const goto = (channel, ts) => { location.hash = ts ? `#${channel}/${ts}` : `#${channel}`; };
const pane = (name) => { document.body.dataset.pane = name; };

setLookup({ user: nameOf, channel: (id) => channelName(state.channels.get(id)) || id, zone });

const top = composer({ place: () => state.open, thread: () => "", label: "Message" });
const below = composer({ place: () => state.open, thread: () => state.thread, label: "Reply in the thread" });

function drawList() {
  const item = (id, sign, name, note) => h("li", {}, h("button", {
    class: "entry", "aria-current": id === state.open ? "page" : null, onclick: () => { goto(id); pane("channel"); },
  }, h("span", { class: "sign" }, sign), h("span", { class: "name" }, name), note, state.unread.get(id) ? h("span", { class: "count" }, state.unread.get(id)) : null));
  const all = [...state.channels.values()];
  const rooms = all.filter((one) => !one.is_im);
  const direct = all.find((one) => one.is_im && one.members.includes(state.me) && one.members.includes(state.bot));
  $("channels").replaceChildren(...rooms.map((one) => item(one.id, "#", one.name, one.members.includes(state.bot) ? null : h("small", {}, "bot not in"))));
  $("directs").replaceChildren(h("li", {}, h("button", {
    class: "entry", "aria-current": direct && direct.id === state.open ? "page" : null,
    onclick: (event) => attempt(async () => { goto(await act("dm", { user: state.me })); pane("channel"); }, event.currentTarget),
  }, avatar(state.bot, "tiny"), h("span", { class: "name" }, "Nightjar"), direct && state.unread.get(direct.id) ? h("span", { class: "count" }, state.unread.get(direct.id)) : null)));
  $("apps").replaceChildren(item(HOME, "⌂", "Nightjar home"));
  $("link-state").textContent = state.sockets ? "Nightjar is connected" : "Nightjar is not connected";
  $("link-state").className = state.sockets ? "up" : "down";
}

function drawMe() {
  const choose = (user) => h("label", { class: "person" },
    h("input", { type: "radio", name: "me", value: user.id, checked: user.id === state.me, onchange: () => become(user.id) }),
    avatar(user.id, "small"), h("span", {}, h("b", {}, user.real_name), h("small", {}, user.tz.split("/").pop().replace("_", " "))));
  $("me").replaceChildren(h("legend", {}, "You are"), ...people().map(choose));
}

function become(id) {
  state.me = id;
  localStorage.setItem("me", id);
  const channel = current();
  if (channel && channel.is_im && !channel.members.includes(id)) goto([...state.channels.keys()][0]);
  drawAll();
}

function stick(list, work) {
  const end = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  work();
  if (end) list.scrollTop = list.scrollHeight;
}

function drawMessages() {
  const list = $("messages");
  const channel = current();
  if (state.open === HOME) { drawHome(list); return; }
  if (!channel) { list.replaceChildren(); return; }
  const shown = shownIn(channel);
  const first = h("div", { class: "first" }, channel.is_im ? avatar(state.bot, "big") : null, h("h2", {}, channel.is_im ? "Nightjar" : `#${channel.name}`),
    h("p", {}, channel.is_im ? "Ask here what you would ask in a channel; nobody else reads along." : channel.members.includes(state.bot) ? "Nightjar is in this channel. Mention it with @nightjar, in the channel or in a thread." : "Nightjar is not in this channel yet."),
    channel.is_im || channel.members.includes(state.bot) ? null : h("button", { class: "primary", onclick: (e) => attempt(() => act("invite_bot", { channel: channel.id, user: state.me }), e.currentTarget) }, "Invite @nightjar"),
    prompts(channel));
  list.replaceChildren(first, ...shown.map((message, i) => messageElement(message, shown[i - 1], { open: openThread })));
}

function prompts(channel) {
  const given = (state.prompts[channel.id] || []).map((one) => h("button", { class: "chip", onclick: () => attempt(() => act("say", { channel: channel.id, text: one.message, user: state.me })) }, one.title));
  return given.length ? h("div", { class: "chips" }, given) : null;
}

function drawHome(list) {
  const view = state.homes[state.me];
  list.replaceChildren(view ? h("div", { class: "home" }, draw(view.blocks, { id: view.id, me: state.me, press: () => toast("Open a channel to use this.") }))
    : h("div", { class: "first" }, avatar(state.bot, "big"), h("h2", {}, "Nightjar home"), h("p", {}, state.sockets ? "Nightjar has not published its home page yet." : "Nightjar is not connected.")));
}

function drawThread() {
  const channel = current();
  const root = channel && channel.messages.get(state.thread);
  $("thread").hidden = !root;
  document.body.classList.toggle("with-thread", Boolean(root));
  if (!root) return;
  const replies = repliesOf(channel, state.thread);
  const count = replies.filter((one) => !one.visible_to).length;
  const rule = h("div", { class: "rule" }, h("span", {}, count === 1 ? "1 reply" : `${count} replies`));
  $("thread-place").textContent = channel.is_im ? "with Nightjar" : `#${channel.name}`;
  $("replies").replaceChildren(messageElement(root, null, { inThread: true }), rule, ...replies.map((message, i) => messageElement(message, i ? replies[i - 1] : root, { inThread: true })));
  drawStatus();
}

function drawStatus() {
  const at = key(state.open, state.thread);
  const status = state.statuses.get(at);
  const busy = (state.sessions.get(at) || {}).status === "processing";
  $("stop").hidden = !busy;
  $("status").hidden = !(status || busy);
  $("status").replaceChildren(h("span", { class: "dots" }, h("i"), h("i"), h("i")), `Nightjar ${status || "is at work"}`);
}

function drawHead() {
  const channel = current();
  const name = state.open === HOME ? "Nightjar home" : channel ? channelName(channel) : "";
  $("title").textContent = channel && !channel.is_im ? `# ${name}` : name;
  $("topic").textContent = channel ? channel.topic ? channel.topic.value : "" : "";
  $("composer").hidden = state.open === HOME;
  // The shortest question, for it has to fit where it stands.
  const example = channel && channel.members.includes(state.bot) && [...state.offer.questions].sort((a, b) => a.length - b.length)[0];
  top.relabel(channel ? `Message ${channel.is_im ? "Nightjar" : `#${name}`}` : "Message", example ? `Ask here: ${channel.is_im ? example.replace("@nightjar ", "") : example}` : "");
  document.title = `${name} · Nightjar demo`;
}

function drawBanner() {
  const banner = $("banner");
  banner.hidden = Boolean(sessionStorage.getItem("banner-closed")) || !state.offer.questions.length;
  if (banner.hidden) return;
  const asked = [...state.channels.values()].some((one) => shownIn(one).some((message) => message.user === state.me));
  banner.classList.toggle("asked", asked);
  const room = [...state.channels.values()].find((one) => !one.is_im && one.members.includes(state.bot));
  const send = async (question, control) => attempt(async () => {
    if (state.open !== room.id) goto(room.id);
    const said = await act("say", { channel: room.id, text: question, user: state.me });
    goto(room.id, said.ts);
  }, control);
  banner.replaceChildren(h("span", { class: "bird" }, nightjar()),
    h("div", {}, h("p", {}, state.offer.about), h("div", { class: "chips" }, state.offer.questions.map((one) => h("button", { class: "chip", onclick: (e) => send(one, e.currentTarget) }, one)))),
    h("button", { class: "icon-button", "aria-label": "Close this note", onclick: () => { sessionStorage.setItem("banner-closed", "1"); drawBanner(); } }, "✕"));
}

function openThread(message) { goto(message.channel, message.thread_ts || message.ts); pane("thread"); }

function drawAll() {
  state.unread.delete(state.open);
  drawList(); drawMe(); drawHead(); drawBanner();
  stick($("messages"), drawMessages);
  stick($("replies"), drawThread);
  drawModal();
}

function route() {
  const [open, thread] = location.hash.slice(1).split("/");
  const moved = open !== state.open, other = thread !== state.thread;
  state.open = open === HOME || state.channels.has(open) ? open : [...state.channels.keys()][0] || "";
  state.thread = thread || "";
  if (state.thread) pane("thread");
  else if (document.body.dataset.pane === "thread") pane("channel");
  drawAll();
  if (moved) $("messages").scrollTop = $("messages").scrollHeight;
  if (other) $("replies").scrollTop = $("replies").scrollHeight;
  if (moved && state.open === HOME) attempt(() => act("open_home", { user: state.me, tab: "home" }));
}

// One message changed: only its own element is drawn again, so that reading and selecting go on undisturbed.
function drawChanged(message) {
  if (message.channel !== state.open) { drawList(); return; }
  const channel = current();
  for (const [list, shown, options] of [[$("messages"), shownIn(channel), { open: openThread }], [$("replies"), state.thread ? repliesOf(channel, state.thread) : [], { inThread: true }]]) {
    const old = list.querySelector(`[data-ts="${message.ts}"]`);
    const i = shown.findIndex((one) => one.ts === message.ts);
    if (old && i >= 0) stick(list, () => old.replaceWith(messageElement(shown[i], shown[i - 1], options)));
  }
}

// The answer to one's own question opens beside the channel, where there is room for both.
function follow(message) {
  const channel = current();
  const root = channel && message.channel === channel.id && channel.messages.get(message.thread_ts);
  if (root && root.user === state.me && message.user === state.bot && root.reply_count === 1 && matchMedia("(min-width: 1001px)").matches) goto(channel.id, root.ts);
}

const WHOLE = new Set(["message", "message_deleted", "ephemeral", "ephemeral_deleted", "channel_created", "im_created", "member_joined_channel", "topic", "prompts"]);
function redraw(event) {
  if (event.kind === "snapshot") { start(); return; }
  if (event.kind === "traffic") { addLine(event.data); return; }
  if (event.kind === "view_errors") { if (event.user === state.me) drawModal(event.data.errors); return; }
  if (event.kind.startsWith("view")) { drawModal(); return; }
  if (event.kind === "home_published" && state.open === HOME) drawMessages();
  else if (event.kind === "sockets") { drawList(); if (state.open === HOME) drawMessages(); }
  else if (event.kind === "status" || event.kind === "session") { stick($("messages"), drawMessages); drawStatus(); }
  else if (WHOLE.has(event.kind)) { drawAll(); if (event.kind === "message") follow(event.message); }
  else if (event.message) drawChanged(event.message);
}

function start() {
  const saved = localStorage.getItem("me");
  state.me = state.users.has(saved) ? saved : people()[0].id;
  route();
  $("messages").scrollTop = $("messages").scrollHeight;
}

$("team-mark").append(nightjar());
$("composer").append(top.element);
$("thread-composer").append(below.element);
$("open-traffic").addEventListener("click", () => toggleDrawer("traffic"));
$("open-faults").addEventListener("click", () => toggleDrawer("faults"));
$("close-thread").addEventListener("click", () => goto(state.open));
$("stop").addEventListener("click", (event) => attempt(() => act("stop", { channel: state.open, thread_ts: state.thread, user: state.me }), event.currentTarget));
document.querySelectorAll("[data-go]").forEach((button) => button.addEventListener("click", () => { if (button.dataset.go === "channel") goto(state.open); pane(button.dataset.go); }));
document.addEventListener("click", (event) => document.querySelectorAll("details.overflow[open]").forEach((one) => { if (!one.contains(event.target) || event.target.closest(".menu")) one.open = false; }));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("modal").open && state.thread) goto(state.open);
  if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    const ids = [...state.channels.values()].filter((one) => !one.is_im).map((one) => one.id);
    goto(ids[(ids.indexOf(state.open) + (event.key === "ArrowDown" ? 1 : ids.length - 1)) % ids.length]);
    event.preventDefault();
  }
});
// A picture that loads late must not push the end out of sight for a reader who was there.
for (const list of [$("messages"), $("replies")]) {
  list.addEventListener("load", () => { if (list.dataset.atEnd !== "no") list.scrollTop = list.scrollHeight; }, true);
  list.addEventListener("scroll", () => { list.dataset.atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80 ? "yes" : "no"; });
}
window.addEventListener("hashchange", route);
listen(redraw, (gone) => { $("lost").hidden = !gone; });
