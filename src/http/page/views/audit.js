// Who asked for what, and what came of it; and whether anybody has changed what was written.

import { fill, h } from "../dom.js";
import { get } from "../api.js";
import { act, bullets, card, head, pill, problem, quiet, table, when } from "../parts.js";
import { many } from "../words.js";

const PAGE = 50;

export async function audit(stage) {
  const rows = [];
  let next = null;
  const list = h("div", {});
  const verdict = h("div", {});

  const more = async () => {
    const page = await get(`audit?limit=${PAGE}${next ? `&before=${next}` : ""}`);
    rows.push(...page.rows);
    next = page.next;
    fill(list, shown(rows, next && more));
  };
  const verify = async () => {
    fill(verdict, card("Is it whole?", {}, quiet("Reading every row …")));
    const found = await get("audit/verify").then(judged, problem);
    fill(verdict, card("Is it whole?", { extra: act("Look again", verify, { kind: "bare" }) }, found));
  };

  await more();
  stage.show(head("Audit", "Every change that was asked for, and what came of it. Nothing here can be changed without being found."),
    h("div", { class: "stack" }, verdict, list));
  verify();
}

function judged({ rows, checkpoints, copies, problems, key }) {
  const isWhole = problems.length === 0;
  return h("div", { class: `box ${isWhole ? "good" : "bad"}` },
    h("p", {}, pill(isWhole ? "whole" : "changed", isWhole ? "good" : "bad"), ` ${many(rows, "row")}, ${many(checkpoints, "signed checkpoint")}${copies > 0 ? `, ${copies} of them copies from elsewhere` : ""}.`),
    isWhole ? h("p", { class: "small" }, "Signed by ", h("code", {}, key)) : bullets(problems));
}

function shown(rows, more) {
  return card("Rows", {},
    table("Rows of the audit, newest first", [["Row", "number narrow-off"], ["When"], ["Who"], ["What"], ["Outcome"]],
      rows.map((row) => [
        String(row.seq),
        when(row.time),
        [row.who, h("p", { class: "quiet small" }, row.origin)],
        [h("code", {}, row.action), row.subject && h("p", { class: "quiet small mono" }, row.subject)],
        pill(row.outcome, kindOf(row.outcome)),
      ])),
    more && h("p", {}, act("Show older ones", more, { kind: "bare" })));
}

function kindOf(outcome) {
  if (outcome === "done") return "good";
  return outcome === "asked" ? "" : "warn";
}
