// Elements are built here and nowhere else: text goes in as text nodes, so no data is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined) continue;
    if (key.startsWith("aria-")) element.setAttribute(key, String(value));
    else if (value === false) continue;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(element.dataset, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(4).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
export const $ = (id) => document.getElementById(id);

export function nightjar() {
  return s("svg", { viewBox: "0 0 32 32", "aria-hidden": "true" },
    s("rect", { width: 32, height: 32, rx: 8, class: "bird-sky" }),
    ...[10.2, 21.8].map((x) => s("circle", { cx: x, cy: 15, r: 5.6, class: "bird-eye" })),
    ...[10.9, 21.1].map((x) => s("circle", { cx: x, cy: 15.4, r: 2.6, class: "bird-pupil" })),
    s("path", { d: "M14.2 19.4h3.6L16 24z", class: "bird-beak" }));
}
