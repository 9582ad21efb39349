// A plan to look at before anything happens: the way, what it costs, what changes, what breaks, what gets lost.

import { h } from "../dom.js";
import { Refused, get } from "../api.js";
import { act, bullets, card, facts, head, pairs, pill, problem, quiet } from "../parts.js";
import { inline, markdown } from "../markdown.js";
import { path } from "../path.js";
import { STEPS, about, bytes, day, many, phases } from "../words.js";
import { zoneOf } from "../zone.js";
import { change } from "./calendar.js";
import { start } from "./start.js";
import { trial } from "./trial.js";

/** So far ahead the calendar is known to who chooses a time. */
const DAYS = 35;

export async function plan(stage, to) {
  let view;
  try {
    view = await get(`updates/plan?to=${encodeURIComponent(to)}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return stage.show(head(`No way to ${to}`), problem(error), h("p", {}, h("a", { href: "#/" }, "Back to the overview")));
  }
  if (view.status === "nothing_to_do") {
    return stage.show(head(`${view.installed} is installed`, "There is nothing to do."), h("p", {}, h("a", { href: "#/" }, "Back to the overview")));
  }
  const { plan } = view;
  const [changes, policy] = await Promise.all([changelog(plan), get(`policy?days=${DAYS}`)]);
  stage.show(
    title(plan, policy, stage),
    h("div", { class: "cards" },
      card("The way", { extra: stops(plan) }, path(plan, view.refused), why(view)),
      card("What it takes", {}, cost(plan)),
      h("div", { class: "main" }, inTheWay(plan), demands(plan), changes),
      h("div", { class: "side" }, hours(policy), touched(plan)),
      trial(plan, stage),
      steps(plan)));
}

function title(plan, policy, stage) {
  const word = plan.direction === "down" ? "Down" : plan.direction === "install" ? "Install" : "Upgrade";
  const verb = plan.direction === "down" ? "Go down" : "Start";
  return head(`${word} ${plan.from ?? "nothing"} → ${plan.to}`, "Nothing has happened yet.",
    h("div", { class: "buttons" },
      h("a", { class: "button", href: "#/" }, "Back"),
      stage.may("operator") && act("Schedule …", () => start(plan, policy, true), { key: "schedule" }),
      stage.may("operator") && act(`${verb} …`, () => start(plan, policy, false), { kind: "first", key: "start" })));
}

/** Only where the calendar says something. */
function hours(policy) {
  if (policy.now.open && policy.now.changes_at === null) return null;
  const changes = change(policy, zoneOf(policy.time_zone));
  return h("div", { class: `note ${policy.now.open ? "good" : "warn"}` },
    policy.now.open
      ? h("p", {}, "Updates may begin now, ", changes, ".")
      : [h("p", {}, "Updates may not begin now: ", policy.now.reason, "."), h("p", {}, "They may ", changes, ".")],
    h("p", {}, h("a", { href: "#/calendar" }, "The calendar")));
}

/** Extensions that a release on the way does not run with. */
function inTheWay(plan) {
  const all = plan.incompatible ?? [];
  if (all.length === 0) return null;
  return card("Extensions in the way", { size: "bad" },
    h("ul", { class: "rows" }, all.map((one) => h("li", {},
      h("div", { class: "grow" },
        h("p", {}, h("strong", {}, one.name), one.version && ` ${one.version}`, h("span", { class: "quiet" }, ` · ${one.release} does not run with it`)),
        h("p", { class: "quiet small" }, inline(one.because))),
      one.can_be_disabled ? pill("can be switched off", "warn") : pill("remove it first", "bad")))));
}

function stops(plan) {
  const count = plan.legs.length;
  return count > 1 ? h("span", { class: "quiet small" }, `${many(count, "leg")}: each is backed up, switched and checked by itself`) : null;
}

function why(view) {
  if (view.because.length === 0 && view.refused.length === 0) return null;
  return h("details", {},
    h("summary", {}, "Why this way"),
    h("div", { class: "stack tight" },
      bullets(view.because),
      view.refused.length > 0 && h("div", { class: "note" },
        h("h3", {}, "Shorter ways that a rule forbids"),
        bullets(view.refused.map((move) => [h("strong", {}, `${move.from ?? "nothing"} → ${move.to}`), `: ${move.reason}`])))));
}

function cost({ cost, warnings, irreversible, bundle, restore }) {
  return h("div", { class: "stack" },
    facts(
      ["Download", cost.download_bytes === 0 ? "nothing" : bytes(cost.download_bytes)],
      ["Room on disk", bytes(cost.disk_bytes), "at most, for a while"],
      ["Time", about(cost.seconds), "an estimate"],
      ["Product stopped", about(cost.downtime_seconds), "of this time"]),
    warnings.length > 0 && h("div", { class: "box warn" }, h("h3", {}, "Warnings"), bullets(warnings.map((warning) => warning.message))),
    irreversible.length > 0 && h("div", { class: "box warn" }, h("h3", {}, "Cannot be taken back once the update is finalized"), bullets(irreversible)),
    restore && h("div", { class: "box warn" }, h("p", {}, `The database comes back from ${restore}.`)),
    bundle && quiet(`Packages come out of ${bundle}.`));
}

const LISTS = [
  ["breaking", "Breaking changes", "bad"],
  ["lost", "What gets lost", "warn"],
  ["actions", "What you have to do", "warn"],
  ["security", "Security", "good"],
];

/** What the releases on the way ask for, the gravest first. */
function demands(plan) {
  const notes = plan.notes ?? {};
  const lists = LISTS.filter(([key]) => (notes[key] ?? []).length > 0);
  const concerns = notes.concerns ?? [];
  if (lists.length === 0 && concerns.length === 0 && !notes.end_of_life) return null;
  const urgency = notes.urgency && pill(`urgency: ${notes.urgency}`, { critical: "bad", high: "warn" }[notes.urgency] ?? "");
  return card("Read this first", { extra: urgency },
    h("div", { class: "stack" },
      lists.map(([key, name, kind]) => h("div", { class: `note ${kind}` }, h("h3", {}, name),
        bullets(notes[key].map((note) => [h("strong", {}, note.version), ": ", inline(note.text)])))),
      concerns.map((concern) => h("div", { class: `note ${concern.level === "blocking" ? "bad" : "warn"}` },
        h("h3", {}, `${concern.level === "blocking" ? "To be acknowledged" : "Concerns this installation"}: ${concern.id}`),
        markdown(concern.text),
        concern.undecided && h("p", { class: "quiet small" }, "Whether it concerns this installation is not known: ", h("code", {}, concern.undecided)))),
      notes.end_of_life && quiet(`Its publisher cares for ${plan.to} until ${day(notes.end_of_life)}.`)));
}

const ORDER = ["breaking", "security", "upgrade-notes", "removed", "deprecated", "changed", "added", "fixed", "other"];

/** The changelog of the way; within each release what breaks comes first. */
async function changelog(plan) {
  const isDown = plan.direction === "down";
  const [from, to] = [plan.from, plan.to].map((version) => version && encodeURIComponent(version));
  const span = from ? `since=${from}&until=${to}` : `version=${to}`;
  let view;
  try {
    view = await get(`changelog?${span}`, { headers: { Accept: "application/json" } });
  } catch (error) {
    return card("Changelog", {}, problem(error));
  }
  const told = view.releases.filter((release) => (release.sections ?? []).length > 0 || (release.preamble ?? []).length > 0);
  return card(isDown ? "What these releases had brought" : "Changelog", {},
    told.length === 0 ? quiet("The releases on the way say nothing.") : h("div", { class: "changelog" }, told.map(release)));
}

function release(one) {
  const sections = [...(one.sections ?? [])].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  return h("section", {},
    h("h3", {}, one.version ?? one.title, one.date && h("time", { class: "quiet small", datetime: one.date }, day(one.date))),
    (one.preamble ?? []).map(markdown),
    sections.map((section) => [
      h("h4", {}, section.title),
      h("ul", { class: "bullets" }, section.entries.map((entry) =>
        h("li", { class: entry.breaking || section.kind === "breaking" ? "breaking" : "" }, markdown(entry.text)))),
    ]));
}

/** What of the installation is touched, a leg at a time. */
function touched(plan) {
  return card("What is touched", {},
    h("div", { class: "stack" }, plan.legs.map((leg) =>
      h("div", {},
        plan.legs.length > 1 && h("h3", {}, `${leg.from ?? "nothing"} → ${leg.to}`),
        pairs(
          ["Release", brought(leg)],
          ["Schema", leg.schema ? `level ${leg.schema.from ?? "none"} → ${leg.schema.to}` : "stays"],
          ["Configuration", "as the release asks; your own values and comments stay"],
          ["Dependencies", "as the release asks"],
          extensions(leg, "disabled"),
          extensions(leg, "enabled"),
          ["Way back", leg.hops.every((hop) => hop.reversible) ? "without a restore" : "by restoring the backup"],
          gates(leg).length > 0 && ["Must hold", gates(leg).join(", ")])))));
}

const TURNED = { disabled: "Switched off", enabled: "Switched on again" };

function extensions(leg, kind) {
  const all = leg.extensions?.[kind] ?? [];
  return all.length > 0 && [TURNED[kind], all.map((one) => h("p", {}, h("strong", {}, one.name), `: ${one.because}`))];
}

const gates = (leg) => leg.hops.flatMap((hop) => hop.gates ?? []);

function brought(leg) {
  switch (leg.strategy) {
    case "none": return "on this disk already, whole";
    case "patch": return `a patch of ${bytes(leg.patch.target.length)}`;
    default: return `the whole package, ${bytes(leg.package.target.length)}`;
  }
}

function steps(plan) {
  const all = plan.steps.map((step) => ({ step: step.kind, release: plan.legs[step.leg].to }));
  return card("Steps", { extra: h("span", { class: "quiet small" }, many(all.length, "step")) },
    h("div", { class: "phases beside" }, phases(all).map((group) =>
      h("section", {},
        h("h3", {}, group.name, h("span", {}, group.under)),
        bullets(group.steps.map((one) => [STEPS[one.step] ?? one.step, group.isMixed && h("span", { class: "quiet" }, ` · ${one.release}`)]))))));
}
