// Backups: what there is to restore, whether it was ever tried, and new ones.

import { h, refill } from "../dom.js";
import { get, order } from "../api.js";
import { act, card, facts, head, pill, quiet, say, table, when } from "../parts.js";
import { confirm } from "../confirm.js";
import { inline } from "../markdown.js";
import { bytes, lasting, many, titleOfOrder } from "../words.js";
import { isOpen } from "./waiting.js";

const LOOK_EVERY = 3000;
export const STATES = { whole: "good", failed: "bad", damaged: "bad" };

export async function backups(stage) {
  const place = h("div", { class: "cards" });
  const look = async () => {
    const [{ backups: all }, { orders }] = await Promise.all([get("backups"), get("orders")]);
    if (!stage.isOpen()) return;
    const own = orders.filter((one) => one.order.kind.startsWith("backup_"));
    refill(place, [all, own], () => [summary(all), working(own.filter((one) => isOpen(one) || one.problem)), list(stage, all, look)]);
  };
  await look();
  stage.show(
    head("Backups", "Made before each update, and whenever somebody wants one.",
      stage.may("operator") && h("div", { class: "buttons" },
        act("Let go of old ones …", () => prune(look)),
        act("Back up now", () => wanted("backups", "A backup is ordered.", look), { kind: "first", key: "back-up" }))),
    place);
  const timer = setInterval(() => document.hidden || look().catch(() => {}), LOOK_EVERY);
  stage.ends(() => clearInterval(timer));
}

function summary(all) {
  const newest = all.find((one) => one.state === "whole");
  const drilled = all.map((one) => one.drilled_at).filter(Boolean).sort().pop();
  const bad = all.filter((one) => one.state !== "whole").length;
  return card("At a glance", { extra: bad > 0 ? pill(`${bad} not whole`, "bad") : newest ? pill("all whole", "good") : null },
    facts(
      ["Newest", newest ? when(newest.created) : "none yet"],
      ["Last drill", drilled ? when(drilled) : "never", drilled ? null : "a backup that was never restored is a hope"],
      ["Backups", String(all.length)],
      ["Of the newest", newest ? bytes(newest.size) : "–", newest && many(newest.files, "file")]));
}

/** What is being done, went wrong, or has just been done. */
export function working(orders) {
  const shown = orders.filter((one) => isOpen(one) || one.problem || one.result).slice(0, 4);
  if (shown.length === 0) return null;
  return card("Orders", {},
    h("ul", { class: "rows" }, shown.map((one) =>
      h("li", {},
        h("div", { class: "grow" },
          h("p", { class: "name" }, titleOfOrder(one.order)),
          h("p", { class: "quiet small" }, one.problem ? [h("code", {}, one.problem.code), ": ", inline(one.problem.detail)] : isOpen(one) ? one.reason && inline(one.reason) : came(one))),
        when(one.ordered_at),
        one.problem ? pill("failed", "bad") : pill(one.state, { waiting: "busy", running: "busy", done: "good" }[one.state])))));
}

/** What came of it. */
function came({ order: { kind }, result }) {
  const { files, bytes: size, databases, duration_ms: took } = result;
  const held = [files !== undefined && many(files, "file"), size !== undefined && bytes(size), databases > 0 && many(databases, "database")];
  switch (kind) {
    case "backup_drill": return ["restored and compared: ", held.filter(Boolean).join(", "), ` in ${lasting(took / 1000)}`];
    case "backup_restore": return ["in place again: ", held.filter(Boolean).join(", ")];
    case "backup_verify": return "every byte was read; it is whole";
    case "backup_create": return h("code", {}, result.id);
    default: return null;
  }
}

function list(stage, all, look) {
  if (all.length === 0) return card("Backups", {}, quiet("There is none yet. The next update makes one by itself."));
  const columns = [["Backup"], ["State"], ["Size", "number"], ["Added", "number narrow-off"], ["Last drill"]];
  if (stage.may("operator")) columns.push(["", "act"]);
  return card("Backups", {},
    table("Backups, newest first", columns, all.map((one) => {
      const cells = [
        [h("a", { class: "mono", href: `#/backup/${one.id}`, "data-key": one.id }, one.id), h("p", { class: "quiet small" }, one.created && when(one.created), one.version && ` · of ${one.version}`, one.before_update ? " · before an update" : one.by && ` · by ${one.by}`)],
        [pill(one.state, STATES[one.state]), one.problem && h("p", { class: "small" }, inline(one.problem))],
        bytes(one.size),
        bytes(one.new_bytes),
        one.drilled_at ? when(one.drilled_at) : h("span", { class: "quiet" }, "never"),
      ];
      if (stage.may("operator")) cells.push(one.state === "whole" ? tried(one, look, "bare") : "");
      return cells;
    })));
}

/** What does no harm to try. */
export const tried = (one, look, kind) => [
  act("Drill", () => wanted(`backups/${one.id}/drill`, "The drill is ordered: it is restored for practice.", look), { kind, key: `drill-${one.id}`, label: `Drill ${one.id}` }),
  act("Verify", () => wanted(`backups/${one.id}/verify`, "Every byte of it will be read.", look), { kind, key: `verify-${one.id}`, label: `Verify ${one.id}` }),
];

async function wanted(path, word, look) {
  await order(path);
  say(word);
  await look();
}

function prune(look) {
  confirm({
    title: "Let go of old backups?",
    body: [h("p", {}, "Backups that the settings do not keep are removed. Those of updates that can still be taken back stay.")],
    go: "Let go of them",
    danger: true,
    run: () => wanted("backups/prune", "It is ordered.", look),
  });
}
