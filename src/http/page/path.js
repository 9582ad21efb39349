// The way of a plan as a picture: releases in their order, stops with a ring, what a rule forbids as a crossed arc.

import { h, s } from "./dom.js";

const EDGE = 70;
/** Between two releases: as wide as it looks well, and narrower where there are many. */
const stepOf = (count) => Math.max(110, Math.min(230, 960 / count));

export function path(plan, refused) {
  const hops = plan.legs.flatMap((leg) => leg.hops);
  const places = [{ version: hops[0].from ?? "nothing", first: true }];
  for (const hop of hops) places.push({ version: hop.to, hop });
  const rises = refused.filter((move) => at(places, move.from) >= 0 && at(places, move.to) > at(places, move.from));
  const top = rises.length > 0 ? 74 : 34;
  const step = stepOf(places.length - 1);
  const width = EDGE * 2 + step * (places.length - 1);
  const height = top + 58;
  const x = (index) => EDGE + index * step;
  const isDown = plan.direction === "down";
  return h("div", { class: `way${isDown ? " down" : ""}`, tabindex: "0", role: "group", "aria-label": "Picture of the way" },
    s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words(places, rises) },
      s("line", { class: `rail${isDown ? " down" : ""}`, x1: x(0), y1: top, x2: x(places.length - 1), y2: top }),
      rises.map((move) => arc(x(at(places, move.from)), x(at(places, move.to)), top)),
      places.map((place, index) => stop(place, x(index), top, index === places.length - 1))));
}

const at = (places, version) => places.findIndex((place) => place.version === (version ?? "nothing"));

function stop(place, x, y, isLast) {
  const hop = place.hop;
  const runs = hop?.runs || isLast;
  const said = place.first ? "installed" : isLast ? "target" : hop.stop ? "stop" : hop.runs ? "runs for a moment" : "passed";
  return s("g", {},
    hop?.stop && s("circle", { class: "ring", cx: x, cy: y, r: 15 }),
    s("circle", { class: `dot${isLast ? " end" : ""}${runs || place.first ? "" : " passed"}`, cx: x, cy: y, r: runs || place.first ? 9 : 6 }),
    s("text", { x, y: y + 34 }, place.version),
    s("text", { class: "sub", x, y: y + 51 }, said));
}

function arc(from, to, y) {
  const middle = (from + to) / 2;
  const peak = y - 44;
  return s("g", {},
    s("path", { class: "refused", d: `M ${from} ${y - 16} Q ${middle} ${peak - 24} ${to} ${y - 16}` }),
    s("path", { class: "cross", d: `M ${middle - 5} ${peak - 1} l 10 10 m 0 -10 l -10 10` }));
}

function words(places, refused) {
  const way = places.map((place) => place.version + (place.hop?.stop ? " (stop)" : "")).join(", then ");
  const not = refused.map((move) => `from ${move.from ?? "nothing"} to ${move.to}`).join(", ");
  return `The way: ${way}.${not ? ` Not allowed: ${not}.` : ""}`;
}
