// data_visualization as SVG: line, area, bar and pie, with a legend and a table for screen readers.

import { h, s } from "./dom.js";

const W = innerWidth < 700 ? 330 : 560, H = 220, LEFT = 48, RIGHT = 10, TOP = 10, BOTTOM = 36;

function nice(top) {
  const step = 10 ** Math.floor(Math.log10(top / 4 || 1));
  const unit = [1, 2, 2.5, 5, 10].map((k) => k * step).find((k) => k * 4 >= top) || step * 10;
  return [0, 1, 2, 3, 4].map((k) => k * unit);
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${+(value / 1e9).toFixed(1)}G`;
  if (size >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toFixed(1)}k`;
  return String(+value.toPrecision(3));
}

function axes(labels, ticks, y, x) {
  const every = Math.ceil(labels.length / (W < 500 ? 4 : 6));
  return [
    ...ticks.map((tick) => s("g", {},
      s("line", { x1: LEFT, x2: W - RIGHT, y1: y(tick), y2: y(tick), class: "grid" }),
      s("text", { x: LEFT - 6, y: y(tick) + 4, class: "tick end" }, short(tick)))),
    ...labels.map((label, i) => (i % every ? null : s("text", { x: x(i), y: H - BOTTOM + 16, class: "tick middle" }, label))),
  ];
}

function plotted(chart) {
  const labels = chart.axis_config.categories;
  const values = chart.series.map((one) => one.data.map((point) => Number(point.value)));
  const top = Math.max(1e-9, ...values.flat());
  const low = Math.min(0, ...values.flat());
  const ticks = low < 0 ? [low, 0, ...nice(top).slice(1)] : nice(top);
  const high = ticks[ticks.length - 1];
  const y = (value) => TOP + (H - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  const slot = (W - LEFT - RIGHT) / labels.length;
  const bars = chart.type === "bar";
  const x = (i) => (bars ? LEFT + slot * (i + 0.5) : LEFT + (labels.length > 1 ? (i * (W - LEFT - RIGHT)) / (labels.length - 1) : 0));
  const marks = values.map((row, k) => (bars ? barsOf(row, k, values.length, slot, x, y, chart, labels) : lineOf(row, k, x, y, chart, labels)));
  return [...axes(labels, ticks, y, x), ...marks.flat()];
}

function lineOf(row, k, x, y, chart, labels) {
  const points = row.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`);
  const area = `${x(0)},${y(0)} ${points.join(" ")} ${x(row.length - 1)},${y(0)}`;
  return [
    chart.type === "area" ? s("polygon", { points: area, class: `area c${k}` }) : null,
    s("polyline", { points: points.join(" "), class: `line c${k}` }),
    ...row.map((value, i) => s("circle", { cx: x(i), cy: y(value), r: 3, class: `dot c${k}` },
      s("title", {}, `${chart.series[k].name} · ${labels[i]}: ${short(value)}`))),
  ];
}

function barsOf(row, k, count, slot, x, y, chart, labels) {
  const width = (slot * 0.72) / count;
  return row.map((value, i) => s("rect", {
    x: x(i) - (width * count) / 2 + k * width, y: Math.min(y(value), y(0)), width: Math.max(1, width - 1),
    height: Math.max(0.5, Math.abs(y(0) - y(value))), rx: 2, class: `bar c${k}`,
  }, s("title", {}, `${chart.series[k].name} · ${labels[i]}: ${short(value)}`)));
}

function pie(chart) {
  const total = chart.segments.reduce((sum, one) => sum + Number(one.value), 0) || 1;
  let turn = -Math.PI / 2;
  return chart.segments.map((one, k) => {
    const angle = (Number(one.value) / total) * Math.PI * 2 * 0.9999;
    const [x0, y0] = [Math.cos(turn), Math.sin(turn)];
    turn += angle;
    const [x1, y1] = [Math.cos(turn), Math.sin(turn)];
    const at = (x, y) => `${W / 2 + x * 96} ${H / 2 + y * 96}`;
    return s("path", { d: `M${W / 2} ${H / 2}L${at(x0, y0)}A96 96 0 ${angle > Math.PI ? 1 : 0} 1 ${at(x1, y1)}Z`, class: `slice c${k}` },
      s("title", {}, `${one.label}: ${short(Number(one.value))}`));
  });
}

export function chart(block) {
  const data = block.chart;
  const names = data.type === "pie" ? data.segments.map((one) => one.label) : data.series.map((one) => one.name);
  const unit = data.axis_config && data.axis_config.y_label;
  return h("figure", { class: "chart" },
    h("figcaption", {}, block.title, unit ? h("small", {}, unit) : null),
    s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${data.type} chart: ${block.title}` },
      data.type === "pie" ? pie(data) : plotted(data)),
    h("ul", { class: "legend" }, names.map((name, k) => h("li", { class: `c${k}` }, name))));
}
