// What a plan would do to configuration, dependencies and the database: tried on copies, nothing is changed.

import { fill, h } from "../dom.js";
import { post } from "../api.js";
import { act, bullets, card, pill, problem, quiet, table } from "../parts.js";
import { inline } from "../markdown.js";
import { bytes, lasting, many } from "../words.js";

/** The card; who may start an update may have it tried. */
export function trial(plan, stage) {
  if (!stage.may("operator") || plan.from === null) return null;
  const place = h("div", { role: "status", "aria-live": "polite" });
  const run = async () => {
    fill(place, quiet("Trying it on copies; releases that are not here are fetched first …"));
    try {
      const path = plan.direction === "down" ? "updates/downgrade" : "updates/upgrade";
      const tried = await post(path, { target_version: plan.to, dry_run: true });
      if (stage.isOpen()) fill(place, shown(tried));
    } catch (error) {
      fill(place, problem(error));
    }
  };
  fill(place, quiet("What it would do to configuration files, dependencies and the database can be seen before anything happens: the migrations run on copies of your own data."));
  return card("Tried on copies", { extra: act("Try it", run, { key: "try", label: "Try it on copies" }) }, place);
}

function shown({ config, dependencies, schema = [] }) {
  return h("div", { class: "stack" },
    part("Configuration", config, "No file changes.", file),
    part("Dependencies", dependencies, "Nothing comes and nothing goes.", dependency),
    part("Database", schema, "Its schema stays.", hop));
}

function part(name, all, none, one) {
  const told = !all || all.length === 0;
  return h("section", { class: "part" }, h("h3", {}, name), told ? quiet(all ? none : "Nothing was tried.") : all.map(one));
}

function file({ file: path, diff, notes, refused, open = [] }) {
  return h("div", { class: "stack tight" },
    h("p", {}, h("code", {}, path)),
    refused && h("div", { class: "box bad" }, h("strong", {}, "The update would stop here"), h("p", {}, inline(refused))),
    open.length > 0 && table(`What is to be settled in ${path}`, [["Setting"], ["Was"], ["Yours"], ["The release's"]],
      open.map((one) => [h("code", {}, one.name), h("code", {}, one.old), h("code", {}, one.yours), h("code", {}, one.new)])),
    diff && listing(diff, `Changes of ${path}`),
    notes.length > 0 && bullets(notes.map(inline)));
}

const SIGNS = { "+": "plus", "-": "minus", "@": "at" };

function listing(text, name) {
  const lines = text.replace(/\n$/, "").split("\n").filter((line) => !line.startsWith("--- ") && !line.startsWith("+++ "));
  return h("pre", { class: "diff", tabindex: "0", role: "region", "aria-label": name },
    lines.map((line) => h("span", { class: SIGNS[line[0]] }, `${line}\n`)));
}

function dependency(one) {
  return h("div", { class: "stack tight" },
    h("p", {}, h("strong", {}, one.name), " ", h("span", { class: "chip" }, one.kind), h("span", { class: "quiet small" },
      ` ${[many(one.changes.length, "change"), `${one.stay} stay`, one.bytes && bytes(one.bytes)].filter(Boolean).join(" · ")}`)),
    one.refused && h("div", { class: "box bad" }, h("strong", {}, "The update would stop here"), h("p", {}, inline(one.refused))),
    one.changes.length > 0 && table(`Packages of ${one.name}`, [["Package"], ["Now"], ["Then"]],
      one.changes.map((change) => [h("code", {}, change.package), change.from ?? "–", change.to ?? h("span", { class: "quiet" }, "goes")])),
    (one.conflicts ?? []).map((conflict) => h("div", { class: "note bad" },
      h("h3", {}, `Two versions of ${conflict.package} are asked for`),
      bullets(conflict.demands.map((demand) => [h("strong", {}, demand.by), ` wants ${demand.wants}`])))),
    one.way_back && quiet(`Way back: ${one.way_back}.`));
}

/** So many lines of SQL are shown without being asked for. */
const SHORT = 12;
const PHASES = { before: "while the product runs", during: "while it is stopped", after: "once the new release runs", background: "in the background, later" };

function hop({ version, from, to, files, seconds, point_of_no_return: end, told }) {
  return h("div", { class: "stack tight" },
    h("p", {}, h("strong", {}, version), `: level ${from ?? "none"} → ${to}, `, h("span", { class: "quiet" }, `tried in ${lasting(seconds)}`)),
    end && h("div", { class: "box warn" }, h("p", {}, "After ", h("code", {}, end), " there is no way back but a restore.")),
    h("ul", { class: "rows" }, files.map(migration)),
    told.length > 0 && bullets(told.map(inline)));
}

function migration(one) {
  const back = one.way_back && (one.way_back.kind === "rehearsed" ? pill("way back rehearsed", "good") : pill("no way back", "warn"));
  return h("li", {},
    h("div", { class: "grow" },
      h("p", {}, h("code", {}, one.title), h("span", { class: "quiet small" }, ` ${PHASES[one.phase]} `), back),
      h("p", { class: "quiet small" }, `${lasting(one.seconds)} · ${many(one.rows, "row")} · ${one.lock}`),
      one.way_back?.reason && h("p", { class: "quiet small" }, inline(one.way_back.reason)),
      h("details", { open: one.sql.split("\n").length <= SHORT }, h("summary", {}, "SQL"), h("pre", { class: "diff", tabindex: "0", role: "region", "aria-label": `SQL of ${one.title}` }, one.sql.trim()))));
}
