// Orders that wait for their turn or their time, and those that were refused when it came.

import { h } from "../dom.js";
import { post } from "../api.js";
import { inline } from "../markdown.js";
import { act, card, pill, quiet, say, when } from "../parts.js";
import { many, titleOfOrder } from "../words.js";
import { momentIn } from "../zone.js";

/** It waits or is being done: what came of it is not known yet. */
export const isOpen = (order) => order.state === "waiting" || order.state === "running";

/** `zone` is by whose clock times are said. */
export function queue(stage, orders, zone, look) {
  const open = orders.filter((one) => one.state === "waiting");
  const refused = orders.filter((one) => one.state === "refused" && one.problem);
  const turn = open.filter((one) => !later(one)).sort((a, b) => a.position - b.position);
  const byClock = open.filter(later).sort((a, b) => new Date(a.scheduled_time) - new Date(b.scheduled_time));
  const running = orders.filter((one) => one.state === "running");
  const count = open.length + running.length;
  const extra = count > 0 ? pill(many(count, "order"), "busy") : null;
  if (count + refused.length === 0) return card("Queue", {}, quiet("Nothing waits, and nothing is scheduled."));
  return card("Queue", { extra },
    h("ul", { class: "rows" },
      running.map((one) => h("li", {},
        h("div", { class: "grow" },
          h("p", { class: "name" }, titleOfOrder(one.order)),
          h("p", { class: "quiet small" }, one.reason && [inline(one.reason), " · "], `by ${one.ordered_by}`)),
        pill("running", "busy"))),
      turn.map((one) => row(stage, one, look, `${one.position}. ${titleOfOrder(one.order)}`, one.reason && inline(one.reason))),
      byClock.map((one) => row(stage, one, look, titleOfOrder(one.order), begins(one, zone))),
      refused.slice(0, 3).map((one) => h("li", {},
        h("div", { class: "grow" },
          h("p", { class: "name" }, titleOfOrder(one.order)),
          h("p", { class: "quiet small" }, h("code", {}, one.problem.code), ": ", inline(one.problem.detail))),
        pill("refused", "bad")))));
}

/** It waits for its time, not for its turn. */
export const later = (order) => Boolean(order.scheduled_time) && !order.position;

export const begins = (order, zone) => ["begins ", momentIn(order.scheduled_time, zone), ", ", when(order.scheduled_time)];

export async function cancel(order) {
  await post(`orders/${order.order_id}/cancel`);
  say("The order is cancelled.");
}

function row(stage, one, look, name, reason) {
  return h("li", {},
    h("div", { class: "grow" },
      h("p", { class: "name" }, one.order.kind === "upgrade" || one.order.kind === "downgrade" ? h("a", { href: `#/update/${one.order_id}`, "data-key": `see-${one.order_id}` }, name) : name),
      h("p", { class: "quiet small" }, reason, ` · by ${one.ordered_by}`)),
    stage.may("operator") && act("Cancel", async () => {
      await cancel(one);
      await look();
    }, { kind: "bare danger", key: one.order_id, label: `Cancel: ${titleOfOrder(one.order)}` }));
}
