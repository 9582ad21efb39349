// One backup: what it holds, whether it was tried, and the way back to it.

import { fill, h, refill } from "../dom.js";
import { get } from "../api.js";
import { act, card, facts, head, pill, quiet, table, when } from "../parts.js";
import { bytes, exact, many } from "../words.js";
import { STATES, tried, working } from "./backups.js";
import { restore } from "./restore.js";

const PAGE = 500;
const LOOK_EVERY = 3000;

export async function backup(stage, id) {
  const address = `backups/${encodeURIComponent(id)}`;
  const [first, version] = await Promise.all([get(`${address}?limit=${PAGE}`), get("version")]);
  const contents = { files: first.files, next: first.next, chosen: new Set() };
  const [summary, orders, list] = Array.from({ length: 3 }, () => h("div", {}));
  const buttons = h("div", { class: "buttons" });
  const one = first.backup;

  const draw = () => {
    fill(buttons, actions(stage, one, version, contents, look));
    fill(list, files(stage, contents, draw, more));
  };
  const more = async () => {
    const page = await get(`${address}?limit=${PAGE}&cursor=${encodeURIComponent(contents.next)}`);
    contents.files.push(...page.files);
    contents.next = page.next;
    draw();
  };
  const look = async () => {
    const [{ backups: all }, { orders: ordered }] = await Promise.all([get("backups"), get("orders")]);
    if (!stage.isOpen()) return;
    const now = all.find((one) => one.id === id);
    one.drilled_at = now?.drilled_at;
    refill(summary, now ?? null, () => (now ? glance(now, version) : card("Gone", {}, quiet("This backup was let go of meanwhile."))));
    const own = ordered.filter((one) => one.order.backup_id === id);
    refill(orders, own, () => working(own));
  };
  draw();
  await look();
  stage.show(head(h("span", { class: "mono" }, id), backed(one), buttons), h("div", { class: "stack" }, summary, orders, list));
  const timer = setInterval(() => document.hidden || look().catch(() => {}), LOOK_EVERY);
  stage.ends(() => clearInterval(timer));
}

const backed = (one) => (one.before_update ? `made before ${one.before_update}` : `made by ${one.by}`);

function glance(one, version) {
  return card("At a glance", { extra: pill(one.state, STATES[one.state]) },
    facts(
      ["Made", when(one.created), exact(one.created)],
      ["Of", one.version ?? "nothing", one.version === version.current_version ? "the installed version" : `${version.current_version ?? "nothing"} is installed`],
      ["Size", bytes(one.size), `${many(one.files, "file")}, ${bytes(one.new_bytes)} of it new then`],
      ["Last drill", one.drilled_at ? when(one.drilled_at) : "never", one.drilled_at ? "restored for practice and compared" : "nobody knows yet that it can be restored"]));
}

function actions(stage, one, version, contents, look) {
  if (one.state !== "whole") return null;
  const count = contents.chosen.size;
  return [
    stage.may("operator") && tried(one, look, ""),
    stage.may("admin") && act(count > 0 ? `Restore ${many(count, "file")} …` : "Restore …", () => restore(one, version, contents, look), { kind: "danger", key: "restore" }),
  ];
}

function files(stage, contents, draw, more) {
  const admin = stage.may("admin");
  const columns = [["File"], ["Size", "number"]];
  if (admin) columns.unshift(["Restore", "tick-off"]);
  return card("Files", { extra: h("span", { class: "quiet small" }, contents.next ? `the first ${many(contents.files.length, "file")}` : many(contents.files.length, "file")) },
    admin && h("p", { class: "quiet small" }, "Tick some to restore them alone; with none ticked everything is restored."),
    table("Files of the backup", columns, contents.files.map((file) => {
      const cells = [h("code", {}, file.path, file.link && ` → ${file.link}`), bytes(file.size)];
      if (admin) cells.unshift(box(file, contents, draw));
      return cells;
    })),
    contents.next && h("p", {}, act("Show more", more, { kind: "bare" })));
}

function box(file, { chosen }, draw) {
  return h("input", { type: "checkbox", class: "only", "aria-label": `Restore ${file.path}`, "data-key": `only-${file.path}`, checked: chosen.has(file.path), onchange: ({ target }) => {
    if (target.checked) chosen.add(file.path);
    else chosen.delete(file.path);
    draw();
  } });
}
