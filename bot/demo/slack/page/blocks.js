// Block Kit as elements, one builder a type; a block this page does not know says so instead of vanishing.

import { chart } from "./chart.js";
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { markdown, mrkdwn, plain, table } from "./text.js";

const opened = new Map();

// A disclosure that stays as the reader left it although the message around it is drawn again and again.
export function disclosure(id, { className, open, summary }, ...children) {
  const chosen = opened.get(id);
  const element = h("details", { class: className, open: chosen === undefined ? open : chosen },
    h("summary", {}, summary), ...children);
  element.querySelector("summary").addEventListener("click", () => opened.set(id, !element.open));
  return element;
}

export function text(object) {
  if (typeof object === "string") return plain(object);
  if (!object) return "";
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object.text);
}

function rich(object) {
  if (typeof object === "string") return markdown(object);
  return (object.elements || []).map((part) => RICH[part.type] ? RICH[part.type](part) : null);
}

const styled = (part, node) => Object.entries(part.style || {}).filter(([, on]) => on)
  .reduce((inner, [name]) => h({ bold: "strong", italic: "em", strike: "s", code: "code" }[name] || "span", {}, inner), node);
const RICH = {
  rich_text_section: (part) => h("p", {}, part.elements.map((one) => RICH[one.type] ? RICH[one.type](one) : null)),
  rich_text_list: (part) => h(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((one) => h("li", {}, RICH.rich_text_section(one)))),
  rich_text_preformatted: (part) => h("pre", {}, h("code", {}, part.elements.map((one) => one.text || one.url))),
  rich_text_quote: (part) => h("blockquote", {}, RICH.rich_text_section(part)),
  text: (part) => styled(part, part.text),
  emoji: (part) => emoji(part.name),
  link: (part) => styled(part, h("span", {}, mrkdwn(`<${part.url}|${part.text || part.url}>`))),
  user: (part) => h("span", {}, mrkdwn(`<@${part.user_id}>`)),
  channel: (part) => h("span", {}, mrkdwn(`<#${part.channel_id}>`)),
  broadcast: (part) => h("span", {}, mrkdwn(`<!${part.range}>`)),
};

const MARKS = { pending: "", in_progress: "", complete: "✓", error: "!" };
const SAID = { pending: "waiting", in_progress: "at work", complete: "done", error: "failed" };

function task(block, context) {
  const head = [
    h("span", { class: `mark ${block.status}`, role: "img", "aria-label": SAID[block.status] }, MARKS[block.status]),
    h("span", { class: "task-title" }, block.title),
  ];
  const inside = [block.details, block.output].filter(Boolean).map((part, i) => h("div", { class: i ? "output" : "details" }, rich(part)));
  const sources = (block.sources || []).length
    ? h("p", { class: "sources" }, block.sources.map((one) => [mrkdwn(`<${one.url}|${one.text || one.url}>`), " "])) : null;
  if (!inside.length && !sources) return h("div", { class: "task" }, head);
  return disclosure(`${context.id}/task/${block.task_id}`, { className: "task", open: false, summary: head }, inside, sources);
}

function plan(block, context) {
  const tasks = block.tasks || [];
  const done = tasks.filter((one) => one.status === "complete").length;
  const active = context.writing || tasks.some((one) => one.status === "in_progress" || one.status === "pending");
  const summary = [h("b", {}, block.title || "Plan"), h("small", {}, `${done} of ${tasks.length} done`)];
  const key = `${context.id}/plan/${active ? "running" : "over"}`;
  return disclosure(key, { className: "plan", open: active, summary }, tasks.map((one) => task(one, context)));
}

function cell(content) {
  if (content.type === "rich_text") return rich(content);
  return content.text !== undefined ? plain(String(content.text)) : String(content.value ?? "");
}

function rowsOf(block) {
  const [head, ...rows] = block.rows.map((row) => row.map(cell));
  const aligns = (block.column_settings || []).map((one) => (one && one.align) || "");
  const numbers = block.rows[1] ? block.rows[1].map((one, i) => aligns[i] || (one.type === "raw_number" ? "right" : "")) : aligns;
  return [h("div", { class: "table-head" }, block.caption || null), table(rows, head, numbers)];
}

function image(block) {
  const file = block.slack_file && block.slack_file.url;
  const url = block.image_url || file || "";
  const own = url.startsWith(location.origin) || url.startsWith("/files/") || url.startsWith("data:image/");
  const title = block.title ? h("figcaption", {}, text(block.title)) : null;
  return h("figure", { class: "image" }, title, own ? h("img", { src: url, alt: block.alt_text, loading: "lazy" })
    : h("span", { class: "outside" }, "Picture not loaded from outside: ", mrkdwn(`<${url}|${block.alt_text}>`)));
}

function button(element, context) {
  const label = element.text ? text(element.text) : element.icon || "button";
  const go = (event) => context.press(element, element.value, event.currentTarget);
  return h("button", { class: `block-button ${element.style || ""}`, onclick: go, disabled: context.dead, title: element.accessibility_label }, label);
}

function choice(element, context) {
  const options = element.options || [];
  if (element.type === "overflow") {
    return h("details", { class: "overflow" }, h("summary", { "aria-label": "More" }, "⋯"),
      h("div", { class: "menu" }, options.map((one) => h("button", {
        onclick: (event) => { event.currentTarget.closest("details").open = false; context.press(element, one.value, event.currentTarget); },
      }, text(one.text)))));
  }
  return h("select", { "aria-label": text(element.placeholder) || "Choose", onchange: (event) => context.press(element, event.currentTarget.value, event.currentTarget) },
    h("option", { value: "", selected: true, disabled: true }, text(element.placeholder) || "Choose"),
    options.map((one) => h("option", { value: one.value }, text(one.text))));
}

const voted = new Map();
function feedback(element, context) {
  const side = (name, sign) => h("button", {
    "aria-pressed": voted.get(context.id) === name,
    class: "icon-button", title: text(element[name].text), "aria-label": text(element[name].text), disabled: context.dead,
    onclick: (event) => {
      const mine = event.currentTarget;
      voted.set(context.id, name);
      mine.parentElement.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", one === mine));
      context.press(element, element[name].value, mine);
    },
  }, sign);
  return h("span", { class: "feedback", role: "group", "aria-label": "Was this useful?" }, side("positive_button", "👍"), side("negative_button", "👎"));
}

const icons = { trash: "🗑" };
const ELEMENTS = {
  button, overflow: choice, static_select: choice, radio_buttons: choice, feedback_buttons: feedback,
  icon_button: (one, context) => h("button", { class: "icon-button", title: text(one.text), "aria-label": text(one.text), onclick: (e) => context.press(one, one.value, e.currentTarget) }, icons[one.icon] || "•"),
  image: (one) => image(one),
};

function element(one, context) {
  if (!one) return null;
  const hidden = one.visible_to_user_ids && !one.visible_to_user_ids.includes(context.me);
  if (hidden) return null;
  return ELEMENTS[one.type] ? ELEMENTS[one.type](one, context) : h("span", { class: "unknown" }, `[${one.type}]`);
}

function container(block, context, index) {
  const title = [h("b", {}, block.rich_text_title ? rich(block.rich_text_title) : text(block.title)), block.subtitle ? h("small", {}, text(block.subtitle)) : null];
  const inside = draw(block.child_blocks, { ...context, id: `${context.id}/${index}` });
  if (!block.is_collapsible) return h("section", { class: "container" }, h("header", {}, title), inside);
  return disclosure(`${context.id}/${index}/container`, { className: "container", open: !block.default_collapsed, summary: title }, h("div", { class: "container-body" }, inside));
}

function card(block, context) {
  return h("article", { class: "card" }, block.hero_image ? image(block.hero_image) : null,
    block.title ? h("b", {}, text(block.title)) : null, block.subtitle ? h("small", {}, text(block.subtitle)) : null,
    block.body ? h("p", {}, text(block.body)) : null,
    block.actions ? h("div", { class: "actions" }, block.actions.map((one) => element(one, context))) : null);
}

const BLOCKS = {
  markdown: (block) => h("div", { class: "md" }, markdown(block.text)),
  section: (block, context) => h("div", { class: "section" }, h("div", { class: "md" },
    block.text ? h("div", {}, text(block.text)) : null,
    block.fields ? h("div", { class: "fields" }, block.fields.map((one) => h("div", {}, text(one)))) : null),
  element(block.accessory, context)),
  header: (block) => h("h3", { class: "block-head" }, text(block.text)),
  context: (block, context) => h("div", { class: "context" }, block.elements.map((one) => (one.type === "image" ? element(one, context) : h("span", {}, text(one))))),
  divider: () => h("hr"),
  actions: (block, context) => h("div", { class: "actions" }, block.elements.map((one) => element(one, context))),
  context_actions: (block, context) => h("div", { class: "actions quiet" }, block.elements.map((one) => element(one, context))),
  rich_text: (block) => h("div", { class: "md" }, rich(block)),
  image, plan, card, container, data_visualization: chart, table: rowsOf, data_table: rowsOf, task_card: task,
  carousel: (block, context) => h("div", { class: "carousel" }, block.elements.map((one) => card(one, context))),
  alert: (block) => h("div", { class: `alert ${block.level || "default"}`, role: "note" }, text(block.text)),
  file: () => null,
  video: (block) => h("p", {}, mrkdwn(`<${block.video_url}|${block.alt_text || "video"}>`)),
};

export function draw(blocks, context) {
  return (blocks || []).map((block, index) => (BLOCKS[block.type]
    ? BLOCKS[block.type](block, context, index)
    : h("p", { class: "unknown" }, `[a ${block.type} block, which this page cannot draw]`)));
}
