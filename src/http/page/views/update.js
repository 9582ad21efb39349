// One update, live: each step with its time, the journal as it is written, what went wrong, and the ways on and back.

import { h, refill } from "../dom.js";
import { get, on, post } from "../api.js";
import { act, card, facts, head, pairs, pill, quiet, when } from "../parts.js";
import { watch } from "../live.js";
import { inline } from "../markdown.js";
import { STEPS, between, clock, lasting, stateOf, titleOf, wayBack } from "../words.js";
import { ordered } from "./order.js";
import { rollback, turnBack } from "./start.js";
import { keyOf, steps } from "./steps.js";

export async function update(stage, id) {
  const first = await get(`updates/status/${encodeURIComponent(id)}`);
  if (first.order_id) return ordered(stage, first);
  if (first.update_id !== id) return location.replace(`#/update/${first.update_id}`);
  const view = new Live(stage, first, await get("version"));
  stage.show(view.frame);
  stage.ends(watch(id, { event: (told) => view.heard(told), progress: (told) => view.progress(told), over: () => view.look() }));
  stage.ends(on("back", () => view.look()));
  // Time goes by also when nothing is told.
  const timer = setInterval(() => view.tick(), 1000);
  stage.ends(() => clearInterval(timer));
}

/** Of what the journal tells. */
const KINDS = { failed: "bad", undo_failed: "bad", succeeded: "good", finished: "good", aborted: "warn", paused: "warn", fell_back: "warn" };

class Live {
  constructor(stage, update, version) {
    this.stage = stage;
    this.update = update;
    this.installed = version;
    /** Seconds of each step, and when the one that runs began. */
    this.took = new Map();
    this.began = new Map();
    this.last = null;
    this.title = h("div", {});
    this.state = h("div", {});
    this.steps = h("div", {});
    this.aside = h("div", { class: "side" });
    this.log = h("div", { class: "log", role: "log", "aria-label": "Journal", tabindex: "0" });
    this.frame = [this.title, h("div", { class: "cards" },
      h("div", { class: "main" }, this.state, card("Steps", {}, this.steps), card("Journal", {}, this.log)),
      this.aside)];
    this.draw();
  }

  heard(told) {
    this.note(told);
    this.write(told);
    this.last = null;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.look(), 80);
  }

  /** Steps of several releases have the same names: the release is that of the first one with the name that is not done. */
  note(told) {
    if (!told.step) return;
    const own = this.update.steps.filter((step) => step.step === told.step);
    const open = own.find((step) => !this.took.has(keyOf(step))) ?? own[own.length - 1];
    if (!open) return;
    const key = keyOf(open);
    if (told.kind === "started") this.began.set(key, told.time);
    else if (this.began.has(key) && (told.kind === "succeeded" || told.kind === "failed")) {
      this.took.set(key, between(this.began.get(key), told.time));
    }
  }

  write(told) {
    const step = told.step ? STEPS[told.step] ?? told.step : "";
    const kind = told.message === "rolled back" ? "warn" : KINDS[told.kind.replaceAll("-", "_")] ?? "";
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 40;
    this.log.append(h("p", {},
      h("time", { datetime: told.time }, clock(told.time)),
      h("span", {}, h("span", { class: kind }, told.kind.replaceAll(/[-_]/g, " ")), step && ` · ${step}`, told.message && `: ${told.message}`)));
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  progress(told) {
    this.last = told;
    this.drawSteps();
  }

  async look() {
    const [now, version] = await Promise.all([get(`updates/status/${this.update.update_id}`), get("version")]).catch(() => []);
    if (!now || !this.stage.isOpen()) return;
    this.update = now;
    this.installed = version;
    this.draw();
  }

  tick() {
    if (this.update.state !== "finished") this.drawState();
    if (this.update.state !== "finished" && Date.now() % 5000 < 1000) this.look();
  }

  draw() {
    const { update } = this;
    refill(this.title, [update.update_id, update.state, update.course, update.outcome, this.installed.current_version], () =>
      head(titleOf(update), h("code", {}, update.update_id), h("div", { class: "buttons" }, this.buttons())));
    this.drawState();
    this.drawSteps();
    refill(this.aside, [update, this.installed.kept], () => this.about());
  }

  drawState() {
    const { update } = this;
    const [word, kind] = stateOf(update);
    const done = update.steps.filter((step) => step.state === "succeeded").length;
    const seconds = between(update.accepted_at, update.finished_at ?? new Date().toISOString());
    refill(this.state, [word, done, Math.round(seconds)], () => card("State", { size: kind === "busy" ? "busy" : "", extra: pill(word, kind) },
      h("div", { class: "stack tight" },
        h("progress", { max: update.steps.length, value: update.outcome === "completed" ? update.steps.length : done, "aria-label": `${done} of ${update.steps.length} steps are done` }),
        facts(
          ["Steps done", `${done} of ${update.steps.length}`],
          [update.finished_at ? "Took" : "For", lasting(seconds)],
          ["Now", doing(update)]))));
  }

  drawSteps() {
    const took = new Map(this.took);
    for (const step of this.update.steps) {
      const key = keyOf(step);
      if (step.state === "started" && this.began.has(key)) took.set(key, between(this.began.get(key), new Date().toISOString()));
    }
    refill(this.steps, [this.update.steps, [...took].map(([key, seconds]) => [key, lasting(seconds)]), this.last], () => steps(this.update, took, this.last));
  }

  buttons() {
    const { update, stage } = this;
    if (!stage.may("operator")) return null;
    const isOpen = update.state !== "finished";
    const turns = isOpen && update.course === "forward";
    const resumes = update.state === "died" || update.state === "waiting";
    const goesBack = update.state === "finished" && update.outcome === "completed" && update.from && this.installed.current_version === update.to;
    return [
      resumes && act("Go on", () => post(`updates/${update.update_id}/resume`), { kind: "first" }),
      turns && act("Stop and go back …", () => turnBack(update), { kind: "danger", key: "turn-back" }),
      goesBack && act("Roll back …", () => rollback(update), { kind: "danger", key: "rollback" }),
    ];
  }

  about() {
    const { update } = this;
    return [
      update.failure && failed(update),
      card("About", {}, pairs(
        ["Begun", when(update.accepted_at)],
        ["By", update.accepted_by],
        update.aborted_by && ["Turned back by", update.aborted_by],
        update.finished_at && ["Ended", when(update.finished_at)],
        keeps(update, this.installed),
        (update.consented_to ?? []).length > 0 && ["Consented to", update.consented_to.map((text) => h("p", {}, inline(text)))],
        update.state === "running" && update.owner && ["Process", `${update.owner.pid} on ${update.owner.host}: ${update.owner.doing}`])),
    ];
  }
}

/** Whether the release before is still kept. */
function keeps(update, installed) {
  const kept = wayBack(update, installed);
  if (kept) return ["Way back", [h("p", {}, `${kept}, if the product is healthy then.`), h("p", {}, h("code", {}, "netlink update finalize"), " does it at once.")]];
  return update.finalized_at && ["Finalized", when(update.finalized_at)];
}

function doing(update) {
  const open = update.steps.find((step) => step.state === "started" || step.state === "undo-started");
  if (update.state === "finished") return update.outcome === "completed" ? `${update.to} is in place` : `${update.from ?? "nothing"} is in place again`;
  if (!open) return "–";
  return STEPS[open.step] ?? open.step;
}

function failed(update) {
  const { code, message, expected, found, log } = update.failure;
  return card("What went wrong", { size: "bad" },
    h("div", { class: "stack tight" },
      h("p", {}, h("strong", {}, STEPS[update.failed_step] ?? update.failed_step), ": ", inline(message)),
      pairs(["Code", h("code", {}, code)], expected && ["Expected", expected], found && ["Found", found]),
      (log ?? []).length > 0 && h("div", { class: "box", role: "region", "aria-label": "Last lines of the log", tabindex: "0" }, h("pre", { class: "output" }, log.join("\n")))));
}
