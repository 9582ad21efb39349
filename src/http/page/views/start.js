// The questions before something big begins, and what is ordered after a yes.

import { h } from "../dom.js";
import { order, post } from "../api.js";
import { bullets, say } from "../parts.js";
import { confirm } from "../confirm.js";
import { inline } from "../markdown.js";
import { about, many, titleOf } from "../words.js";

/** Where one sees how it goes: an update, an order that waits, or nothing to do. */
function go(answer) {
  const id = answer?.update_id ?? answer?.order_id;
  if (id) location.hash = `#/update/${id}`;
  else say("There is nothing to do.");
}

/** Up or down, as the plan says. */
export function start(plan, stage) {
  const isDown = plan.direction === "down";
  const notes = plan.notes ?? {};
  const breaking = notes.breaking ?? [];
  const blocking = (notes.concerns ?? []).filter((concern) => concern.level === "blocking");
  const ticks = [];
  if (breaking.length > 0) ticks.push({ name: "breaking", text: breaking.length === 1 ? "I have read the breaking change and am ready for it." : `I have read the ${breaking.length} breaking changes and am ready for them.` });
  for (const concern of blocking) ticks.push({ name: `note ${concern.id}`, text: [h("strong", {}, concern.id), ": ", inline(concern.text), " I have seen to it."] });
  if (plan.warnings.length > 0) ticks.push({ name: "force", text: "Go on in spite of the warnings." });
  if (isDown && (notes.lost ?? []).length > 0) ticks.push({ name: "lost", text: `I know that what ${many(notes.lost.length, "change")} brought will be gone.` });
  confirm({
    title: `${isDown ? "Go down" : "Upgrade"} to ${plan.to}?`,
    body: [
      h("p", {}, plan.from ?? "nothing", " → ", h("strong", {}, plan.to), `: ${about(plan.cost.seconds)}, of which the product is stopped for ${about(plan.cost.downtime_seconds)}. A backup is made before. When a step fails everything is put back by itself.`),
      breaking.length > 0 && h("div", { class: "box bad" }, h("h3", {}, "Breaking changes"), bullets(breaking.map((note) => [h("strong", {}, note.version), ": ", inline(note.text)]))),
      plan.warnings.length > 0 && h("div", { class: "box warn" }, h("h3", {}, "Warnings"), bullets(plan.warnings.map((warning) => warning.message))),
    ],
    ticks,
    go: isDown ? `Go down to ${plan.to}` : `Upgrade to ${plan.to}`,
    danger: isDown || breaking.length > 0,
    run: async (ticked) => {
      const body = { target_version: plan.to, force: ticked.has("force") };
      if (!isDown) {
        body.accept_breaking = ticked.has("breaking");
        body.acknowledge = blocking.map((concern) => concern.id).filter((id) => ticked.has(`note ${id}`));
      }
      go(await order(isDown ? "updates/downgrade" : "updates/upgrade", body));
    },
  });
}

/** Takes a finished update back. */
export function rollback(update) {
  confirm({
    title: `Roll back to ${update.from}?`,
    body: [
      h("p", {}, `${titleOf(update)} is taken back: `, h("strong", {}, `${update.to} → ${update.from}`), ". Code, configuration and database go back together, after a backup; data that people wrote meanwhile is kept where the older release can hold it."),
      h("p", {}, h("a", { href: `#/plan/${update.from}` }, "What would get lost"), " is in the plan."),
    ],
    go: `Roll back to ${update.from}`,
    danger: true,
    ticks: [{ name: "force", text: "Go on in spite of warnings, if there are any.", free: true }],
    run: async (ticked) => go(await order("updates/rollback", { update_id: update.update_id, force: ticked.has("force") })),
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
