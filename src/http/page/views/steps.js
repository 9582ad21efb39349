// The steps of an update with their states, as the journal has them.

import { h, s } from "../dom.js";
import { STEPS, bytes, lasting, phases } from "../words.js";

const WORDS = {
  pending: "waits",
  started: "runs",
  succeeded: "done",
  failed: "failed",
  "undo-started": "is being undone",
  undone: "undone",
  "undo-failed": "could not be undone",
};

/** `took` has the seconds of each step by its name and release; `progress` what was last said of the one that runs. */
export function steps(update, took, progress) {
  const failed = update.steps.findLast((step) => step.step === update.failed_step && step.state !== "pending");
  return h("div", { class: "phases" }, phases(update.steps).map((group) =>
    h("section", {},
      h("h3", {}, group.name, h("span", {}, group.under)),
      h("ol", { class: "steps" }, group.steps.map((step) =>
        one(step, { seconds: took.get(keyOf(step)), progress, isMixed: group.isMixed, isFailed: step === failed }))))));
}

export const keyOf = (step) => `${step.release} ${step.step}`;

function one(step, { seconds, progress, isMixed, isFailed }) {
  const runs = step.state === "started" || step.state === "undo-started";
  const undone = step.state.startsWith("und") && step.state !== "undo-started" && WORDS[step.state];
  const took = seconds !== undefined && step.state !== "pending" && lasting(seconds);
  const kind = isFailed && step.state === "undone" ? "failed" : step.state;
  return h("li", { class: kind },
    mark(kind),
    h("span", { class: "name" }, STEPS[step.step] ?? step.step, isMixed && ` · ${step.release}`, h("code", {}, step.step),
      !undone && h("span", { class: "unseen" }, `, ${WORDS[step.state] ?? step.state}`)),
    h("span", { class: "took" }, [isFailed && step.state !== "failed" && "failed", undone, took].filter(Boolean).join(" · ")),
    runs && progress?.step === step.step && far(progress.progress));
}

function far({ done, total, unit, per_second: speed, seconds_left: left }) {
  const say = unit === "bytes" ? bytes : (count) => `${count.toLocaleString()} ${unit}`;
  const more = [speed && `${say(speed)}/s`, left !== undefined && `${lasting(left)} left`].filter(Boolean).join(" · ");
  return h("span", { class: "more" },
    h("progress", { max: total || 1, value: Math.min(done, total || 1), "aria-label": "Progress of the step" }),
    `${say(done)} of ${say(total)}${more && ` · ${more}`}`);
}

const MARKS = {
  pending: [["circle", { cx: 10, cy: 10, r: 6.5, "stroke-dasharray": "2 3" }]],
  started: [["path", { class: "turn", d: "M10 3a7 7 0 1 1-7 7" }]],
  "undo-started": [["path", { class: "turn", d: "M10 3a7 7 0 1 0 7 7" }]],
  succeeded: [["path", { d: "M4 10.5 8.2 15 16 5.5" }]],
  failed: [["path", { d: "M5 5l10 10M15 5 5 15" }]],
  "undo-failed": [["path", { d: "M5 5l10 10M15 5 5 15" }]],
  undone: [["path", { d: "M7 4 3.5 7.5 7 11M4 7.5h7.5a4.5 4.5 0 0 1 0 9H8" }]],
};

const mark = (state) =>
  s("svg", { class: "mark", viewBox: "0 0 20 20", "aria-hidden": "true" }, (MARKS[state] ?? MARKS.pending).map(([tag, props]) => s(tag, props)));
