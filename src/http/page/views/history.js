// What was done here, newest first, and how long it took.

import { fill, h } from "../dom.js";
import { get } from "../api.js";
import { act, card, head, pill, quiet, table, when } from "../parts.js";
import { durations } from "../chart.js";
import { watch } from "../live.js";
import { between, lasting, stateOf, titleOf } from "../words.js";

const PAGE = 40;

export async function history(stage) {
  const all = [];
  let next = null;
  const place = h("div", { class: "cards" });

  const more = async () => {
    const page = await get(`updates?limit=${PAGE}${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
    all.push(...page.updates);
    next = page.next;
    if (stage.isOpen()) fill(place, shown(all, next && more));
  };
  const anew = async () => {
    all.length = 0;
    next = null;
    await more();
  };

  await more();
  stage.show(head("History", "Every update of this installation, also those that were undone."), place);
  stage.ends(watch(null, { event: (told) => (told.kind === "finished" || told.kind === "accepted") && anew().catch(() => {}) }));
}

function shown(updates, more) {
  if (updates.length === 0) return card("Updates", {}, quiet("Nothing was updated here yet."));
  const chart = durations(updates);
  return [
    chart && card("How long they took", {}, chart),
    card("Updates", {},
      table("Updates, newest first", [["Update"], ["Outcome"], ["Took", "number"], ["When"], ["By", "narrow-off"]],
        updates.map((update) => [
          h("a", { href: `#/update/${update.update_id}` }, titleOf(update)),
          [pill(...stateOf(update)), update.failed_step && h("p", { class: "quiet small" }, `at ${update.failed_step}`)],
          update.finished_at ? lasting(between(update.accepted_at, update.finished_at)) : "–",
          when(update.accepted_at),
          update.accepted_by,
        ])),
      more && h("p", {}, act("Show older ones", more, { kind: "bare" }))),
  ];
}
