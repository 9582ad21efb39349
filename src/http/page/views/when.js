// When an update begins: now, once the product is quiet, when the calendar opens, or at a time; and whether it is open then.

import { fill, fresh, h } from "../dom.js";
import { inline } from "../markdown.js";
import { ago } from "../words.js";
import { DAY, daysLater, hourOf, momentIn, momentOf, ownZone, readingOf, zoneOf } from "../zone.js";

const NIGHT = 120;

/** What to ask; `body` is what the choice adds to the request, `isReady` whether it is a choice. */
export function whenToBegin(policy, isLater) {
  const zone = zoneOf(policy.time_zone);
  const opens = policy.now.open ? null : policy.now.changes_at;
  let chosen = isLater ? (opens ? "opens" : "at") : "now";
  const name = fresh("when");
  const at = h("input", { type: "datetime-local", id: fresh("at"), "aria-label": "The time", value: firstOffer(opens, zone), oninput: () => choose("at"), onclick: () => choose("at") });
  const force = h("input", { type: "checkbox", id: fresh("tick") });
  const told = h("div", { role: "status" });
  const radios = {};

  const choices = [
    ["now", policy.upgrade_strategy === "graceful" ? "Now, once the product is quiet" : "Now"],
    policy.upgrade_strategy !== "graceful" && ["quiet", "Now, once the product is quiet"],
    opens && ["opens", `When the calendar opens: ${momentIn(opens, zone)}`],
    ["at", "At"],
  ].filter(Boolean);
  const node = h("fieldset", { class: "when" },
    h("legend", {}, "When"),
    choices.map(([kind, text]) => {
      radios[kind] = h("input", { type: "radio", name, id: fresh("when"), checked: kind === chosen, onchange: () => choose(kind) });
      return h("p", {}, h("label", { class: "tick", for: radios[kind].id }, radios[kind], h("span", {}, text)), kind === "at" && at);
    }),
    told);

  function choose(kind) {
    chosen = kind;
    radios[kind].checked = true;
    show();
  }

  function time() {
    if (chosen !== "at") return new Date();
    const [day, clock] = at.value.split("T");
    if (!day || !clock) return null;
    const [hours, minutes] = clock.split(":").map(Number);
    return momentOf(day, hours * 60 + minutes, zone);
  }

  /** Why the calendar is closed when it would begin; null where it is open or nobody knows yet. */
  function closed() {
    if (chosen === "opens") return null;
    const begins = time();
    const stretch = begins && policy.calendar.find((one) => begins < new Date(one.until));
    return stretch && !stretch.open && begins >= new Date(policy.calendar[0].from) - 60000 ? stretch.reason : null;
  }

  function show() {
    const begins = time();
    const why = closed();
    fill(told,
      chosen === "at" && begins && h("p", { class: "quiet small" }, spelled(begins, zone)),
      why && h("div", { class: "box warn" },
        h("p", {}, "The calendar is closed then: ", inline(why), "."),
        h("label", { class: "tick", for: force.id }, force, h("span", {}, "Begin all the same."))));
  }
  show();

  return {
    node,
    isLater: () => chosen === "opens" || chosen === "at",
    isReady: () => (chosen !== "at" || time() > new Date()) && (closed() === null || force.checked),
    body: () => ({ ...STRATEGIES[chosen](policy, time()), force: closed() !== null && force.checked }),
  };
}

const STRATEGIES = {
  now: ({ upgrade_strategy: usual }) => (usual === "scheduled" ? { strategy: "immediate" } : {}),
  quiet: () => ({ strategy: "graceful" }),
  opens: () => ({ strategy: "scheduled" }),
  at: (_, time) => ({ strategy: "scheduled", scheduled_time: time.toISOString() }),
};

/** The next opening, else the next night. */
function firstOffer(opens, zone) {
  const { day, minutes } = opens ? readingOf(opens, zone) : { day: daysLater(readingOf(Date.now(), zone).day, 1), minutes: NIGHT };
  return `${day}T${hourOf(minutes % DAY)}`;
}

function spelled(time, zone) {
  const there = zone && zone !== ownZone() ? ` by the clock of ${zone}; here it is ${momentIn(time)}` : "";
  return time > new Date() ? `${momentIn(time, zone)}${there}, ${ago(time)}.` : "That is past.";
}
