// Markdown and Slack's mrkdwn as elements. Only http, https and mailto links become links, with their host shown.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";

let lookup = { user: (id) => id, channel: (id) => id, zone: () => undefined };
export const setLookup = (found) => { lookup = found; };

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

function link(url, label) {
  let parsed;
  try { parsed = new URL(url); } catch { return document.createTextNode(label || url); }
  if (!["http:", "https:", "mailto:"].includes(parsed.protocol)) return document.createTextNode(label || url);
  const text = label || url;
  const disguised = label && parsed.host && /^[\w-]+(\.[\w-]+)+/.test(label) && !label.includes(parsed.host);
  return h("a", { href: parsed.href, rel: "noopener noreferrer nofollow", target: "_blank", title: parsed.href },
    text, disguised ? h("span", { class: "host" }, ` (${parsed.host})`) : null);
}

function special(token) {
  const [body, label] = token.slice(1, -1).split(/\|(.*)/s);
  if (body.startsWith("@")) return h("span", { class: "mention" }, `@${lookup.user(body.slice(1))}`);
  if (body.startsWith("#")) return h("span", { class: "mention" }, `#${label || lookup.channel(body.slice(1))}`);
  if (body.startsWith("!date^")) return document.createTextNode(date(body, label));
  if (body.startsWith("!")) return h("span", { class: "mention loud" }, `@${label || body.slice(1)}`);
  return link(unescape(body), label && unescape(label));
}

function date(body, fallback) {
  const [, seconds, form] = body.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return fallback || "";
  const show = (options) => at.toLocaleString("en-GB", { timeZone: lookup.zone(), ...options });
  return (form || "{date_num} {time}")
    .replace(/{date_num}/g, at.toLocaleDateString("sv-SE", { timeZone: lookup.zone() }))
    .replace(/{date(_short|_long)?(_pretty)?}/g, show({ day: "numeric", month: "short", year: "numeric" }))
    .replace(/{time_secs}/g, show({ hour: "2-digit", minute: "2-digit", second: "2-digit" }))
    .replace(/{time}/g, show({ hour: "2-digit", minute: "2-digit" }));
}

// Inline rules: [pattern, what it becomes]. The earliest match wins, then the first in the list.
const COMMON = [
  [/`([^`\n]+)`/, (m) => h("code", {}, unescape(m[1]))],
  [/<([@#!][^>\n]+|https?:[^>\n]+|mailto:[^>\n]+)>/, (m) => special(m[0])],
  [/:([a-z0-9_+'-]{1,60}(?:::skin-tone-\d)?):/, (m) => document.createTextNode(emoji(m[1]))],
];
const MARKDOWN = [
  [/\\([\\`*_{}[\]()#+\-.!|~>])/, (m) => document.createTextNode(m[1])],
  ...COMMON,
  [/\[([^\]\n]+)\]\(\s*<?([^\s)>]+)>?[^)\n]*\)/, (m) => link(m[2], m[1])],
  [/\*\*([^\n]+?)\*\*(?!\*)/, (m) => h("strong", {}, inline(m[1], MARKDOWN))],
  [/(?<![\w_])__([^\n]+?)__(?![\w_])/, (m) => h("strong", {}, inline(m[1], MARKDOWN))],
  [/~~([^\n]+?)~~/, (m) => h("s", {}, inline(m[1], MARKDOWN))],
  [/(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])/, (m) => h("em", {}, inline(m[1], MARKDOWN))],
  [/(?<!\w)_([^\s_](?:[^_\n]*[^\s_])?)_(?!\w)/, (m) => h("em", {}, inline(m[1], MARKDOWN))],
  [/https?:\/\/[^\s<>)\]]+[^\s<>)\].,;:!?'"]/, (m) => link(m[0])],
];
const MRKDWN = [
  ...COMMON,
  [/(?<!\w)\*([^\s*](?:[^*\n]*[^\s*])?)\*(?!\w)/, (m) => h("strong", {}, inline(m[1], MRKDWN))],
  [/(?<!\w)_([^\s_](?:[^_\n]*[^\s_])?)_(?!\w)/, (m) => h("em", {}, inline(m[1], MRKDWN))],
  [/(?<!\w)~([^\s~](?:[^~\n]*[^\s~])?)~(?!\w)/, (m) => h("s", {}, inline(m[1], MRKDWN))],
];

function inline(text, rules) {
  const out = [];
  let rest = text;
  while (rest) {
    let first = null;
    for (const [pattern, build] of rules) {
      const match = pattern.exec(rest);
      if (match && (!first || match.index < first.match.index)) first = { match, build };
    }
    if (!first) break;
    if (first.match.index) out.push(unescape(rest.slice(0, first.match.index)));
    out.push(first.build(first.match));
    rest = rest.slice(first.match.index + first.match[0].length);
  }
  if (rest) out.push(unescape(rest));
  return out;
}

const lines = (text, rules) => text.split("\n").flatMap((line, i) => (i ? [h("br"), ...inline(line, rules)] : inline(line, rules)));

export function plain(text) {
  return text.split(/:([a-z0-9_+'-]+):/).map((part, i) => (i % 2 ? emoji(part) : part)).join("");
}

export function mrkdwn(text) {
  return text.split(/```\n?([\s\S]*?)\n?```/).flatMap((part, i) => {
    if (i % 2) return [h("pre", {}, h("code", {}, unescape(part)))];
    return quoted(part).map(([quote, body]) => h(quote ? "blockquote" : "span", {}, lines(body, MRKDWN)));
  });
}

function quoted(text) {
  const groups = [];
  for (const line of text.replace(/^\n+|\n+$/g, "").split("\n")) {
    const match = /^(?:&gt;|>) ?(.*)$/.exec(line);
    const last = groups[groups.length - 1];
    if (last && last[0] === Boolean(match)) last[1] += `\n${match ? match[1] : line}`;
    else groups.push([Boolean(match), match ? match[1] : line]);
  }
  return groups.filter(([quote, body]) => quote || body);
}

const CELL = /(?<!\\)\|/;
const cells = (row) => row.trim().replace(/^\||(?<!\\)\|$/g, "").split(CELL).map((cell) => cell.trim().replace(/\\\|/g, "|"));
const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;

export function table(rows, heads, aligns) {
  const cell = (tag) => (content, i) => h(tag, { class: aligns && aligns[i] }, content);
  return h("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Table" }, h("table", {},
    heads ? h("thead", {}, h("tr", {}, heads.map(cell("th")))) : null,
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell("td")))))));
}

export function markdown(source) {
  const rows = source.replace(/\r/g, "").split("\n");
  const out = [];
  let i = 0;
  const block = (test) => { const taken = []; while (i < rows.length && test(rows[i])) taken.push(rows[i++]); return taken; };
  while (i < rows.length) {
    const row = rows[i];
    const fence = /^\s*(```+|~~~+)/.exec(row);
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(row);
    if (!row.trim()) i += 1;
    else if (fence) {
      i += 1;
      const code = block((line) => !line.trim().startsWith(fence[1]));
      i += 1;
      out.push(h("pre", {}, h("code", {}, code.join("\n"))));
    } else if (heading) {
      i += 1;
      out.push(h(`h${Math.min(6, heading[1].length + 2)}`, { class: "md-head" }, inline(heading[2], MARKDOWN)));
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(row)) { i += 1; out.push(h("hr")); }
    else if (row.includes("|") && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(rows[i + 1] || "")) {
      const aligns = cells(rows[i + 1]).map((c) => (c.endsWith(":") ? (c.startsWith(":") ? "center" : "right") : ""));
      i += 2;
      const body = block((line) => line.trim() && line.includes("|"));
      const draw = (line) => cells(line).map((cell) => inline(cell, MARKDOWN));
      out.push(table(body.map(draw), draw(row), aligns));
    } else if (/^\s*>/.test(row)) {
      out.push(h("blockquote", {}, markdown(block((line) => /^\s*>/.test(line)).map((l) => l.replace(/^\s*> ?/, "")).join("\n"))));
    } else if (ITEM.test(row)) {
      out.push(list(block((line) => ITEM.test(line) || (/^\s+\S/.test(line)))));
    } else {
      const text = block((line) => line.trim() && !/^\s*(```|~~~|>|#{1,6}\s)/.test(line) && !(ITEM.test(line)) );
      if (text.length) out.push(h("p", {}, lines(text.join("\n"), MARKDOWN)));
      else { i += 1; out.push(h("p", {}, lines(row, MARKDOWN))); }
    }
  }
  return out;
}

function list(rows) {
  const [, indent, marker] = ITEM.exec(rows[0]) || [null, "", "-"];
  const items = [];
  for (const row of rows) {
    const match = ITEM.exec(row);
    if (match && match[1].length <= indent.length) items.push({ text: match[3], below: [] });
    else if (items.length) items[items.length - 1].below.push(row);
  }
  return h(/\d/.test(marker) ? "ol" : "ul", { start: /\d/.test(marker) ? parseInt(marker, 10) : null },
    items.map(({ text, below }) => {
      const box = /^\[([ xX])\]\s+(.*)$/.exec(text);
      const shown = box ? [box[1] === " " ? "☐ " : "☑ ", ...inline(box[2], MARKDOWN)] : inline(text, MARKDOWN);
      const rest = below.length ? (ITEM.test(below[0]) ? list(below) : markdown(below.map((l) => l.trim()).join("\n"))) : null;
      return h("li", {}, shown, rest);
    }));
}
