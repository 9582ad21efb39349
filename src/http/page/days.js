// The calendar of the policy as pictures: the days of a week with their hours, and the weeks of a month.

import { h, s } from "./dom.js";
import { DAY, daysLater, hourOf, nameOf, weekdayOf } from "./zone.js";

const WEEK = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** `days` has the pieces of each day, `marks` what is scheduled, `now` the reading of the clock there. */
export function week({ days, marks, now }, first) {
  const shown = Array.from({ length: 7 }, (_, at) => daysLater(first, at)).filter((day) => days.has(day));
  return h("div", { class: "week" },
    h("p", { class: "axis", "aria-hidden": "true" }, [0, 6, 12, 18, 24].map((hour) => h("span", {}, hour))),
    h("ol", {}, shown.map((day) => {
      const due = marks.filter((mark) => mark.day === day);
      return h("li", { class: day === now.day ? "today" : null },
        h("p", { class: "name" }, day === now.day ? "Today" : nameOf(day)),
        hours(days.get(day), due, day === now.day ? now.minutes : null),
        h("div", { class: "small" },
          h("p", { class: "quiet" }, inWords(days.get(day))),
          due.map((mark) => h("p", {}, h("a", { href: `#/update/${mark.id}` }, `${hourOf(mark.minutes)} ${mark.text}`)))));
    })));
}

/** Weeks from the one that `first` is in. */
export function month({ days, marks, now }, first, weeks) {
  const monday = daysLater(first, -weekdayOf(first));
  return h("table", { class: "month" },
    h("caption", { class: "unseen" }, "When updates may begin, a day a cell"),
    h("thead", {}, h("tr", {}, WEEK.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, Array.from({ length: weeks }, (_, row) =>
      h("tr", {}, WEEK.map((_name, column) => cell(daysLater(monday, row * 7 + column), { days, marks, now }))))));
}

function cell(day, { days, marks, now }) {
  const pieces = days.get(day);
  const [name, number] = [nameOf(day), Number(day.slice(8))];
  if (!pieces) return h("td", { class: "gone" }, h("span", { "aria-hidden": "true" }, number));
  const due = marks.filter((mark) => mark.day === day);
  const open = pieces.some((piece) => piece.open);
  const said = inWords(pieces);
  return h("td", { class: `${open ? "open" : "closed"}${day === now.day ? " today" : ""}`, title: said },
    h("p", { class: "number" }, h("span", { "aria-hidden": "true" }, number), h("span", { class: "unseen" }, `${name}: `)),
    hours(pieces, due, null),
    h("p", { class: "small quiet" }, short(pieces), h("span", { class: "unseen" }, `: ${said}`)),
    due.map((mark) => h("p", { class: "small" }, h("a", { href: `#/update/${mark.id}`, title: mark.text, "aria-label": `${hourOf(mark.minutes)} ${mark.text}` }, hourOf(mark.minutes)))));
}

/** Open stretches are blocks, closed ones a line; what is scheduled is a diamond, and now a stroke. */
function hours(pieces, due, now) {
  const at = (minutes) => `${((minutes / DAY) * 100).toFixed(3)}%`;
  return s("svg", { class: "hours", "aria-hidden": "true" },
    [6, 12, 18].map((hour) => s("line", { class: "grid", x1: at(hour * 60), x2: at(hour * 60), y1: "0%", y2: "100%" })),
    pieces.map((piece) => piece.open
      ? s("rect", { class: "open", x: at(piece.from), width: at(piece.to - piece.from), y: "12%", height: "76%", rx: 3 })
      : s("rect", { class: `closed by-${piece.closed_by}`, x: at(piece.from), width: at(piece.to - piece.from), y: "42%", height: "16%" })),
    due.map((mark) => s("svg", { x: at(mark.minutes), y: "50%", overflow: "visible" }, s("path", { class: "mark", d: "M 0 -8 l 7 8 l -7 8 l -7 -8 z" }))),
    now !== null && s("line", { class: "now", x1: at(now), x2: at(now), y1: "0%", y2: "100%" }));
}

/** `02:00–04:00, 22:00–24:00`, or why not. */
function inWords(pieces) {
  const open = pieces.filter((piece) => piece.open);
  if (open.length === 0) return [...new Set(pieces.map((piece) => piece.reason))].join("; ");
  const all = open.length === pieces.length;
  if (all && pieces[0].from === 0) return "all day";
  return all ? "all the rest of the day" : open.map((piece) => `${hourOf(piece.from)}–${hourOf(piece.to)}`).join(", ");
}

function short(pieces) {
  const minutes = pieces.filter((piece) => piece.open).reduce((sum, piece) => sum + piece.to - piece.from, 0);
  if (minutes === 0) return pieces[0].closed_by === "freeze" ? "frozen" : "closed";
  if (pieces.every((piece) => piece.open)) return "open";
  return minutes < 60 ? `${minutes} min` : `${Math.round(minutes / 6) / 10} h`;
}
