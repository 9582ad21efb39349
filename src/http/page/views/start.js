// The questions before something big begins, and what is ordered after a yes.

import { h } from "../dom.js";
import { get, order, post } from "../api.js";
import { bullets, say } from "../parts.js";
import { confirm } from "../confirm.js";
import { inline } from "../markdown.js";
import { about, many, titleOf } from "../words.js";
import { whenToBegin } from "./when.js";

/** Where one sees how it goes: an update, an order that waits, or nothing to do. */
function go(answer) {
  const id = answer?.update_id ?? answer?.order_id;
  if (id) location.hash = `#/update/${id}`;
  else say("There is nothing to do.");
}

/** Up or down, as the plan says, at once or later. */
export function start(plan, policy, isLater) {
  const isDown = plan.direction === "down";
  const verb = isDown ? "Go down" : "Upgrade";
  const when = whenToBegin(policy, isLater);
  const breaking = plan.notes?.breaking ?? [];
  confirm({
    title: `${verb} to ${plan.to}?`,
    body: [
      h("p", {}, plan.from ?? "nothing", " → ", h("strong", {}, plan.to), `: ${about(plan.cost.seconds)}, of which the product is stopped for ${about(plan.cost.downtime_seconds)}. A backup is made before. When a step fails everything is put back by itself.`),
      breaking.length > 0 && h("div", { class: "box bad" }, h("h3", {}, "Breaking changes"), bullets(breaking.map((note) => [h("strong", {}, note.version), ": ", inline(note.text)]))),
      isDown && losses(plan),
      warned(plan),
      when.node,
    ],
    ticks: ticksOf(plan, isDown),
    go: () => (when.isLater() ? `Schedule the ${isDown ? "way down" : "upgrade"} to ${plan.to}` : `${verb} to ${plan.to}`),
    isReady: when.isReady,
    danger: isDown || breaking.length > 0,
    run: async (ticked) => {
      const begin = when.body();
      const body = { target_version: plan.to, ...begin, force: begin.force || ticked.has("force"), disable_incompatible: named(ticked, "extension") };
      if (!isDown) {
        body.accept_breaking = ticked.has("breaking");
        body.acknowledge = named(ticked, "note");
      }
      go(await order(isDown ? "updates/downgrade" : "updates/upgrade", body));
    },
  });
}

const warned = ({ warnings }) => warnings.length > 0 && h("div", { class: "box warn" }, h("h3", {}, "Warnings"), bullets(warnings.map((warning) => warning.message)));

/** What a person has to say yes to by itself. */
function ticksOf(plan, isDown) {
  const { breaking = [], concerns = [], lost = [] } = plan.notes ?? {};
  const ticks = [];
  if (breaking.length > 0) ticks.push({ name: "breaking", text: breaking.length === 1 ? "I have read the breaking change and am ready for it." : `I have read the ${breaking.length} breaking changes and am ready for them.` });
  for (const concern of concerns.filter(({ level }) => level === "blocking")) {
    ticks.push({ name: `note ${concern.id}`, text: [h("strong", {}, concern.id), ": ", inline(concern.text), " I have seen to it."] });
  }
  for (const one of (plan.incompatible ?? []).filter((one) => one.can_be_disabled)) {
    ticks.push({ name: `extension ${one.name}`, text: ["Switch off the extension ", h("strong", {}, one.name), `, which ${one.release} does not run with.`] });
  }
  if (plan.warnings.length > 0) ticks.push({ name: "force", text: "Go on in spite of the warnings." });
  if (isDown && lost.length > 0) ticks.push({ name: "lost", text: `I know that what ${many(lost.length, "change")} brought will be gone.` });
  return ticks;
}

const named = (ticked, kind) => [...ticked].filter((name) => name.startsWith(`${kind} `)).map((name) => name.slice(kind.length + 1));

/** What goes with the releases that are left, the data first. */
function losses({ irreversible, notes }) {
  const lost = notes?.lost ?? [];
  if (irreversible.length + lost.length === 0) return null;
  return h("div", { class: "box warn" }, h("h3", {}, "What gets lost"),
    bullets([...irreversible, ...lost.map((note) => [h("strong", {}, note.version), ": ", inline(note.text)])]));
}

/** Takes a finished update back. */
export async function rollback(update) {
  const { plan } = await get(`updates/plan?to=${encodeURIComponent(update.update_id)}`);
  if (!plan) return say("There is nothing to do.");
  confirm({
    title: `Roll back to ${update.from}?`,
    body: [
      h("p", {}, `${titleOf(update)} is taken back: `, h("strong", {}, `${update.to} → ${update.from}`), ". Code, configuration and database go back together, after a backup; data that people wrote meanwhile is kept where the older release can hold it."),
      losses(plan),
      warned(plan),
    ],
    go: `Roll back to ${update.from}`,
    danger: true,
    ticks: ticksOf(plan, true),
    run: async (ticked) => go(await order("updates/rollback", { update_id: update.update_id, force: ticked.has("force"), disable_incompatible: named(ticked, "extension") })),
  });
}

/** Turns an update round that is under way. */
export function turnBack(update) {
  confirm({
    title: "Stop and go back?",
    body: [h("p", {}, `The step that runs is finished; then everything is put back, and ${update.from ?? "what was there before"} runs again.`)],
    go: "Stop and go back",
    danger: true,
    run: async () => {
      await post(`updates/${update.update_id}/cancel`);
      say("It goes back after the step that runs.");
    },
  });
}
