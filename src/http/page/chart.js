// How long updates took, oldest first; what came of each is in shape and colour. The table beside it says the same in words.

import { fill, h, s } from "./dom.js";
import { between, lasting, titleOf } from "./words.js";

const HEIGHT = 170;
const FLOOR = 146;
/** Above the highest bar there is room for its number. */
const TOP = 30;
const LEFT = 62;
/** A bar and the room beside it, at the least. */
const SLOT = 22;

export function durations(updates) {
  const finished = updates.filter((update) => update.finished_at);
  if (finished.length === 0) return null;
  const place = h("div", {});
  // As wide as it is shown, so that its letters are as large as all others.
  new ResizeObserver(([{ contentRect: { width } }]) => width > 0 && fill(place, picture(finished, Math.floor(width)))).observe(place);
  return h("figure", { class: "chart" }, place,
    h("figcaption", { class: "legend" },
      h("span", {}, s("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, s("rect", { class: "completed", width: 12, height: 12, rx: 3 })), "completed"),
      h("span", {}, s("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, s("path", { class: "rolled_back", d: "M6 0 12 6 6 12 0 6z" })), "rolled back")));
}

function picture(finished, width) {
  const shown = finished.slice(0, Math.max(1, Math.floor((width - LEFT) / SLOT))).reverse();
  const took = shown.map((update) => between(update.accepted_at, update.finished_at));
  const most = roundUp(Math.max(...took, 1));
  const slot = Math.min((width - LEFT) / shown.length, 90);
  const bar = Math.min(slot * 0.62, 34);
  const y = (seconds) => FLOOR - (seconds / most) * (FLOOR - TOP);
  return s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `How long the last ${shown.length} updates took; the table below has the same.` },
    [0, most / 2, most].map((seconds) => [
      s("line", { class: "grid", x1: LEFT, x2: width, y1: y(seconds), y2: y(seconds) }),
      s("text", { x: LEFT - 10, y: y(seconds) + 4, "text-anchor": "end" }, seconds === 0 ? "0" : lasting(seconds)),
    ]),
    shown.map((update, index) => {
      const x = LEFT + slot * (index + 0.5);
      const top = Math.min(y(took[index]), FLOOR - 3);
      const outcome = update.outcome === "completed" ? "completed" : "rolled_back";
      return s("g", {},
        s("title", {}, `${titleOf(update)}: ${lasting(took[index])}`),
        s("rect", { class: outcome, x: x - bar / 2, y: top, width: bar, height: FLOOR - top, rx: 3 }),
        outcome === "rolled_back" && diamond(x, top - 9),
        slot >= 56 && s("text", { class: "told", x, y: top - (outcome === "rolled_back" ? 20 : 7), "text-anchor": "middle" }, lasting(took[index])),
        (slot >= 44 || index % Math.ceil(44 / slot) === 0) && s("text", { x, y: HEIGHT - 6, "text-anchor": "middle" }, update.to));
    }));
}

const diamond = (x, y) => s("path", { class: "rolled_back", d: `M ${x} ${y - 5} l 5 5 l -5 5 l -5 -5 z` });

/** 1, 2, 5, 10, 20, 30, 60 … so that the middle is a number that people use. */
function roundUp(seconds) {
  const steps = [1, 2, 4, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400];
  return steps.find((step) => seconds <= step) ?? Math.ceil(seconds / 86400) * 86400;
}
