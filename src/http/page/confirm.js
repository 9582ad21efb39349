// The question before something is done: what it means, what has to be read first, and a way out.

import { fresh, h } from "./dom.js";
import { problem } from "./parts.js";

/**
 * Asks, and does it. `ticks` are what has to be ticked before: {text, name}, but for those that are `free`, which may be
 * `checked` at first. `isReady` says whether what stands in `body` was filled in; `go` may be a function of that, too. `run` gets
 * the set of what was ticked, and a signal that says whether the question was left meanwhile; while it fails, its reason stands
 * in the dialog and nothing is lost.
 */
export function confirm({ title, body = [], ticks = [], go, isReady = () => true, danger = false, run }) {
  const name = fresh("question");
  const trouble = h("div", {});
  const boxes = ticks.map((tick) => [tick, h("input", { type: "checkbox", id: fresh("tick"), checked: Boolean(tick.checked) })]);
  const yes = h("button", { type: "button", class: danger ? "danger first" : "first" });
  const no = h("button", { type: "button", autofocus: true }, "Not now");
  const left = new AbortController();
  const dialog = h("dialog", { "aria-labelledby": name, oninput: weigh, onchange: weigh },
    h("h2", { id: name }, title),
    h("div", { class: "stack" },
      body,
      boxes.map(([tick, box]) => h("label", { class: "tick", for: box.id }, box, h("span", {}, tick.text))),
      trouble,
      h("div", { class: "buttons" }, no, yes)));

  function weigh() {
    yes.textContent = typeof go === "function" ? go() : go;
    yes.disabled = !isReady() || boxes.some(([tick, box]) => !tick.free && !box.checked);
  }

  const before = document.activeElement;
  no.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    left.abort();
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    yes.setAttribute("aria-busy", "true");
    trouble.replaceChildren();
    try {
      const ticked = new Set(boxes.filter(([, box]) => box.checked).map(([tick]) => tick.name));
      await run(ticked, left.signal);
      dialog.close();
    } catch (error) {
      trouble.replaceChildren(problem(error));
      weigh();
    } finally {
      yes.removeAttribute("aria-busy");
    }
  });
  weigh();
  document.body.append(dialog);
  dialog.showModal();
}
