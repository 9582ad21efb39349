// When updates may begin: now, in the days to come, and by which rules; and what is scheduled.

import { h, refill } from "../dom.js";
import { get, on } from "../api.js";
import { act, bullets, card, facts, head, pairs, pill, quiet, when } from "../parts.js";
import { month, week } from "../days.js";
import { titleOfOrder } from "../words.js";
import { byDay, daysLater, momentIn, ownZone, readingOf, zoneOf } from "../zone.js";
import { later, queue } from "./waiting.js";

const WEEKS = 5;
const LOOK_EVERY = 15000;

export async function calendar(stage) {
  const [now, picture, rules, waits] = Array.from({ length: 4 }, () => h("div", {}));
  const chosen = { span: "week", from: 0 };
  let seen;

  const draw = () => refill(picture, [seen.shown, chosen], () => pictured(seen, chosen, draw));
  const look = async () => {
    const [policy, { orders }] = await Promise.all([get(`policy?days=${WEEKS * 7}`), get("orders")]);
    if (!stage.isOpen()) return;
    const zone = zoneOf(policy.time_zone);
    seen = read(policy, orders, zone);
    refill(now, [policy.now, policy.freeze, policy.auto_upgrade], () => atPresent(policy, zone));
    draw();
    refill(rules, { ...policy, calendar: null, now: null }, () => ruled(policy));
    refill(waits, orders, () => queue(stage, orders, zone, look));
  };
  await look();
  stage.show(head("Calendar", "When updates may begin. One that has begun is not cut off when the hours end."),
    h("div", { class: "cards" },
      now, picture,
      h("div", { class: "main" }, rules),
      h("div", { class: "side" }, waits)));
  const timer = setInterval(() => document.hidden || look().catch(() => {}), LOOK_EVERY);
  stage.ends(() => clearInterval(timer));
  stage.ends(on("back", () => look().catch(() => {})));
}

function read(policy, orders, zone) {
  const marks = orders.filter((one) => one.state === "waiting" && later(one)).map((one) => ({
    ...readingOf(one.scheduled_time, zone), id: one.order_id, text: titleOfOrder(one.order),
  })).sort((a, b) => a.minutes - b.minutes);
  const now = readingOf(Date.now(), zone);
  const [first, ...others] = policy.calendar;
  return {
    days: byDay(policy.calendar, zone), marks, now, zone: policy.time_zone, isKnown: zone !== undefined,
    shown: [first.until, first.reason, others, marks, now, policy.time_zone],
  };
}

/** Open, closed or frozen, as a pill. */
export function openness(policy) {
  if (policy.freeze !== null) return pill("frozen", "bad");
  return policy.now.open ? pill("open", "good") : pill("closed", "warn");
}

/** When that changes, in a line. */
export function change(policy, zone) {
  const at = policy.now.changes_at;
  if (policy.now.open) return at ? ["until ", momentIn(at, zone)] : "at any time";
  return at ? [momentIn(at, zone), ", ", when(at)] : "not within a year";
}

function atPresent(policy, zone) {
  return card("Now", { extra: openness(policy), size: policy.freeze === null ? "" : "bad" },
    h("div", { class: "stack" },
      facts(
        opening(policy, zone),
        ["By itself", policy.auto_upgrade ? "yes" : "no", policy.auto_upgrade ? `looks each ${policy.check_interval}` : "each update is begun by somebody"],
        ["Begins", BEGINS[policy.upgrade_strategy], "unless somebody says otherwise"],
        ["Freeze", policy.freeze === null ? "off" : "on", policy.freeze])));
}

function opening({ now, freeze }, zone) {
  const at = now.changes_at;
  if (now.open) return ["Updates may begin", at ? "now" : "at any time", at && ["until ", momentIn(at, zone)]];
  if (freeze !== null) return ["Updates may begin", "once the freeze ends", "or when they are forced"];
  return ["Updates may begin", at ? momentIn(at, zone) : "not within a year", [at && [when(at), "; now it is "], now.reason]];
}

const BEGINS = { immediate: "at once", graceful: "once it is quiet", scheduled: "by the clock" };
const SPANS = [["week", "Week"], ["month", "Month"]];

function pictured(seen, chosen, draw) {
  const { now } = seen;
  const press = (span) => h("button", { type: "button", "aria-pressed": String(chosen.span === span[0]), "data-key": span[0], onclick: () => {
    chosen.span = span[0];
    draw();
  } }, span[1]);
  const move = (text, label, by) => h("button", { type: "button", "aria-label": label, "data-key": label,
    disabled: chosen.span === "month" || chosen.from + by < 0 || chosen.from + by >= WEEKS, onclick: () => {
      chosen.from += by;
      draw();
    } }, text);
  return card("The days to come", { extra: h("div", { class: "buttons" },
    h("div", { class: "choice", role: "group", "aria-label": "Which week" }, move("‹", "The week before", -1), move("›", "The week after", 1)),
    h("div", { class: "choice", role: "group", "aria-label": "How much is shown" }, SPANS.map(press))) },
    chosen.span === "week" ? week(seen, daysLater(now.day, chosen.from * 7)) : month(seen, now.day, WEEKS),
    h("ul", { class: "legend key" },
      [["open", "may begin"], ["closed", "outside the hours, or a blocked day"], ["closed by-exception", "closed by an exception"], ["closed by-freeze", "frozen"], ["scheduled", "scheduled"]]
        .map(([kind, text]) => h("li", {}, h("span", { class: `sample ${kind}` }), text))),
    h("p", { class: "quiet small" }, seen.isKnown
      ? `By the clock of ${seen.zone}${seen.zone === ownZone() ? "" : `; this browser's is that of ${ownZone()}`}.`
      : `By the clock of this browser (${ownZone()}); the policy goes by ${seen.zone}.`));
}

function ruled(policy) {
  return card("Rules", {},
    h("div", { class: "stack" },
      policy.freeze !== null && h("div", { class: "box bad" },
        h("h3", {}, "Frozen"),
        h("p", {}, policy.freeze),
        h("p", { class: "small" }, "Nothing begins, by itself or by hand, unless it is forced.")),
      pairs(
        ["Hours", policy.allowed_hours.length > 0 ? policy.allowed_hours.join(", ") : "any"],
        ["Blocked days", policy.blocked_days.length > 0 ? policy.blocked_days.join(", ") : "none"],
        ["Clock", policy.time_zone],
        ["Missed times", policy.when_missed === "run" ? "begin when the calendar opens next" : "are skipped, and that is said"]),
      h("div", {},
        h("h3", {}, "Exceptions"),
        policy.exceptions.length === 0 ? quiet("None.") : bullets(policy.exceptions.map((one) =>
          [h("strong", {}, one.days.replace("..", " to ")), `: ${one.open ? "open" : "closed"}, ${one.reason}`]))),
      h("p", { class: "quiet small" }, "They stand in ", h("code", {}, "policy"), " of ", h("code", {}, "config/update.yml"), " and hold as soon as they are written there; ",
        h("code", {}, "freeze: \"the reason\""), " freezes, ", h("code", {}, "freeze: null"), " ends it.")));
}
