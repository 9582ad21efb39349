// The question before something is done: what it means, what has to be read first, and a way out.

import { fresh, h } from "./dom.js";
import { problem } from "./parts.js";

/**
 * Asks, and does it. `ticks` are what has to be ticked before: {text, name}. `run` gets the set of what was ticked; while
 * it fails, its reason stands in the dialog and nothing is lost.
 */
export function confirm({ title, body = [], ticks = [], go, danger = false, run }) {
  const name = fresh("question");
  const trouble = h("div", {});
  const boxes = ticks.map((tick) => [tick, h("input", { type: "checkbox", id: fresh("tick"), onchange: weigh })]);
  const yes = h("button", { type: "button", class: danger ? "danger first" : "first" }, go);
  const no = h("button", { type: "button", autofocus: true }, "Not now");
  const dialog = h("dialog", { "aria-labelledby": name },
    h("h2", { id: name }, title),
    h("div", { class: "stack" },
      body,
      boxes.map(([tick, box]) => h("label", { class: "tick", for: box.id }, box, h("span", {}, tick.text))),
      trouble,
      h("div", { class: "buttons" }, no, yes)));

  function weigh() {
    yes.disabled = boxes.some(([tick, box]) => !tick.free && !box.checked);
  }

  const before = document.activeElement;
  no.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    trouble.replaceChildren();
    try {
      const ticked = new Set(boxes.filter(([, box]) => box.checked).map(([tick]) => tick.name));
      await run(ticked);
      dialog.close();
    } catch (error) {
      trouble.replaceChildren(problem(error));
      weigh();
    }
  });
  weigh();
  document.body.append(dialog);
  dialog.showModal();
}
