// The writing box: Enter sends, @ and / complete, and a word says why something was not sent.

import { h } from "./dom.js";
import { act, state } from "./store.js";
import { attempt } from "./message.js";
import { toast } from "./panels.js";

function choices(text, inThread) {
  const mention = /(^|\s)@([\w.-]*)$/.exec(text);
  if (mention) {
    return [...state.users.values()].filter((user) => user.id !== state.me && user.name.startsWith(mention[2].toLowerCase()))
      .sort((a, b) => (b.id === state.bot) - (a.id === state.bot))
      .map((user) => ({ label: `@${user.name}`, note: user.real_name, text: `${text.slice(0, text.length - mention[2].length)}${user.name} ` }));
  }
  if (/^\/[^\n]*$/.test(text) && !inThread) {
    return Object.entries(state.offer.commands).filter(([name]) => name.startsWith(text) && name !== text)
      .map(([name, note]) => ({ label: name, note, text: `${name} ` }));
  }
  return [];
}

export function composer({ place, thread, label }) {
  const box = h("textarea", { rows: 1, "aria-label": label, placeholder: label, autocomplete: "off", spellcheck: "true" });
  const list = h("ul", { class: "completions", role: "listbox", hidden: true });
  let offered = [], at = 0;

  const grow = () => { box.style.height = "auto"; box.style.height = `${Math.min(160, box.scrollHeight)}px`; };
  const put = (text) => { box.value = text; grow(); offer(); box.focus(); };
  function offer() {
    offered = choices(box.value.slice(0, box.selectionStart), thread());
    at = Math.min(at, Math.max(0, offered.length - 1));
    list.hidden = !offered.length;
    list.replaceChildren(...offered.map((one, i) => h("li", {
      role: "option", "aria-selected": i === at, onmousedown: (event) => { event.preventDefault(); take(i); },
    }, h("b", {}, one.label), " ", h("small", {}, one.note))));
  }
  function take(i) {
    const rest = box.value.slice(box.selectionStart);
    put(offered[i].text + rest);
  }
  async function send() {
    const text = box.value.trim();
    if (!text) return;
    const command = /^\/(\w[\w-]*)\s*([\s\S]*)$/.exec(text);
    if (command && thread()) { toast(`/${command[1]} does not work in threads, as in Slack. Write @nightjar ${command[2] || "help"} instead.`, "bad"); return; }
    if (command && !(`/${command[1]}` in state.offer.commands)) { toast(`/${command[1]} is not a command here. Known: ${Object.keys(state.offer.commands).filter((name) => !name.includes(" ")).join(", ")}`, "bad"); return; }
    put("");
    const body = { channel: place(), user: state.me };
    await attempt(() => (command ? act("slash", { ...body, command: `/${command[1]}`, text: command[2] })
      : act("say", { ...body, text, thread_ts: thread() || null })));
  }
  box.addEventListener("input", () => { grow(); offer(); });
  box.addEventListener("blur", () => { list.hidden = true; });
  box.addEventListener("keydown", (event) => {
    if (!list.hidden && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      at = (at + (event.key === "ArrowDown" ? 1 : offered.length - 1)) % offered.length;
      offer();
      event.preventDefault();
    } else if (!list.hidden && (event.key === "Tab" || event.key === "Enter")) { take(at); event.preventDefault(); }
    else if (!list.hidden && event.key === "Escape") { list.hidden = true; event.stopPropagation(); }
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  });
  const form = h("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); send(); } }, list, box,
    h("button", { class: "send", type: "submit", "aria-label": "Send" }, "➤"));
  return { element: form, put, focus: () => box.focus(), relabel: (text, example) => { box.placeholder = example || text; box.setAttribute("aria-label", text); } };
}
