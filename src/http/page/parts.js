// Small parts that more than one view is made of.

import { append, fresh, h } from "./dom.js";
import { Away } from "./api.js";
import { ago, exact } from "./words.js";

export const pill = (word, kind = "") => h("span", { class: `pill ${kind}` }, word);

export const chip = (channel) => channel && h("span", { class: `chip ${channel}` }, channel);

/** `5 min ago`, with the exact moment for who points at it and for screen readers. */
export const when = (time) =>
  time ? h("time", { class: "ago", datetime: time, title: exact(time) }, ago(time)) : h("span", { class: "quiet" }, "–");

setInterval(() => {
  for (const node of document.querySelectorAll("time.ago")) node.textContent = ago(node.dateTime);
}, 15000);

export function card(title, { size = "", extra = [], id } = {}, ...children) {
  const name = fresh("card");
  return h("section", { class: `card ${size}`, "aria-labelledby": name, id },
    h("header", {}, h("h2", { id: name }, title), extra),
    children);
}

export const head = (title, under, ...extra) =>
  h("div", { class: "head" },
    h("div", { class: "grow" }, h("h1", { tabindex: "-1" }, title), under && h("p", {}, under)),
    extra);

export const facts = (...pairs) =>
  h("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, value, more]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value, more && h("small", {}, more)))));

export const pairs = (...all) =>
  h("dl", { class: "pairs" }, all.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

export const bullets = (items) => h("ul", { class: "bullets" }, items.map((item) => h("li", {}, item)));

export const quiet = (...children) => h("p", { class: "quiet" }, children);

/** What went wrong, as the server says it. */
export function problem(error) {
  if (error instanceof Away) return quiet("The server does not answer just now; this goes on by itself when it does.");
  return h("div", { class: "box bad", role: "alert" },
    h("strong", {}, error.title || "That did not work"),
    h("p", {}, error.message),
    error.code && h("p", { class: "small" }, h("code", {}, error.code)));
}

/** A table in a frame of its own, so that a narrow screen moves it and not the page. */
export function table(caption, columns, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map(([name, kind]) =>
        h("th", { scope: "col", class: kind }, name || h("span", { class: "unseen" }, "What can be done"))))),
      h("tbody", {}, rows.map((cells) =>
        h("tr", {}, cells.map((cell, at) => h("td", { class: columns[at][1] }, cell)))))));
}

/** A button that does one thing at a time, and says what went wrong beside it. */
export function act(text, run, { kind = "", key, label } = {}) {
  const button = h("button", { type: "button", class: kind, "data-key": key ?? text, "aria-label": label }, text);
  button.addEventListener("click", async () => {
    if (button.hasAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    try {
      await run();
    } catch (error) {
      say(error.message);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  return button;
}

let quietAgain;

/** A sentence at the foot of the page that goes away by itself; screen readers hear it. */
export function say(text) {
  const place = document.getElementById("said");
  clearTimeout(quietAgain);
  place.replaceChildren();
  append(place, [text]);
  quietAgain = setTimeout(() => place.replaceChildren(), 5000);
}
