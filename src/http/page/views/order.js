// An order that has yet to become an update, or that became none.

import { fill, h } from "../dom.js";
import { get } from "../api.js";
import { act, card, head, pairs, pill, when } from "../parts.js";
import { inline } from "../markdown.js";
import { titleOfOrder } from "../words.js";
import { momentIn, zoneOf } from "../zone.js";
import { cancel, isOpen, later } from "./waiting.js";

const LOOK_EVERY = 1500;
const STATES = { waiting: "busy", running: "busy", done: "good", refused: "bad", cancelled: "" };

export async function ordered(stage, order) {
  const { time_zone: name } = await get("policy?days=1");
  const zone = zoneOf(name);
  const place = h("div", {});
  const draw = () => fill(place, card("Order", { extra: pill(later(order) && order.state === "waiting" ? "scheduled" : order.state, STATES[order.state]) }, told(stage, order, zone, look)));
  const look = async () => {
    const now = await get(`updates/status/${order.order_id}`);
    if (!stage.isOpen()) return;
    if (!now.order_id) return location.replace(`#/update/${now.update_id}`);
    if (["state", "position", "reason", "scheduled_time"].every((key) => now[key] === order[key])) return;
    order = now;
    draw();
  };
  draw();
  stage.show(head(titleOfOrder(order.order), ["ordered ", when(order.ordered_at), ` by ${order.ordered_by}`]), place);
  const timer = setInterval(() => isOpen(order) && look().catch(() => {}), LOOK_EVERY);
  stage.ends(() => clearInterval(timer));
}

function told(stage, order, zone, look) {
  const waits = order.state === "waiting";
  const time = order.scheduled_time;
  return h("div", { class: "stack" },
    waits && later(order) && h("div", {},
      h("p", { class: "moment" }, momentIn(time, zone)),
      h("p", { class: "quiet" }, "It begins ", when(time), ", and stands in nobody's way until then. It is planned anew at that time.")),
    waits && !later(order) && h("p", {}, `It is number ${order.position} in the queue: ${order.reason ?? "it is about to begin"}.`),
    order.problem && h("div", { class: "box bad" }, h("strong", {}, order.problem.code), h("p", {}, inline(order.problem.detail))),
    pairs(
      time && order.order.scheduled_time !== time && ["Was ordered for", momentIn(order.order.scheduled_time, zone)],
      order.order.accept_breaking && ["Consented to", "the breaking changes on the way"],
      order.order.force && ["Forced", "warnings and the calendar do not hold it back"]),
    h("div", { class: "buttons" },
      waits && stage.may("operator") && act(later(order) ? "Cancel the schedule" : "Cancel", async () => {
        await cancel(order);
        await look();
      }, { kind: "danger", key: "cancel" }),
      h("a", { class: "button", href: "#/calendar" }, "The calendar")));
}
