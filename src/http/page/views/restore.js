// Restoring a backup in place: the question names what is lost by it, and what has to be so before.

import { h } from "../dom.js";
import { get, order } from "../api.js";
import { bullets, say } from "../parts.js";
import { confirm } from "../confirm.js";
import { ago, exact, many, titleOf } from "../words.js";
import { isOpen } from "./waiting.js";

const LOOK_EVERY = 500;
const SHOWN = 8;

export async function restore(backup, version, { files, chosen }, look) {
  const { updates } = await get("updates?limit=50");
  const since = updates.filter((update) => new Date(update.accepted_at) > new Date(backup.created));
  const only = [...chosen].sort();
  const installed = version.current_version ?? "nothing";
  const fits = !backup.version || backup.version === version.current_version;
  confirm({
    title: only.length > 0 ? `Restore ${many(only.length, "file")} of ${backup.id}?` : `Restore ${backup.id}?`,
    body: [
      h("div", { class: "box bad" },
        h("h3", {}, "What is lost"),
        bullets(only.length > 0 ? lostOf(only, backup) : lostOfAll(files, backup, since))),
      !fits && h("div", { class: "box warn" },
        h("p", {}, `It is of ${backup.version}, and ${installed} is installed, whose data it does not fit. `,
          h("a", { href: `#/plan/${encodeURIComponent(backup.version)}` }, `Go to ${backup.version} first`), ".")),
      h("p", {}, "The product must be stopped: ", h("code", {}, "netlink supervise --stop"), " on its machine. While it runs, the restore is refused and nothing is touched; afterwards ", h("code", {}, "netlink supervise --start"), " starts it."),
      !backup.drilled_at && h("p", { class: "quiet" }, "It was never restored for practice. A drill first costs nothing."),
    ],
    ticks: [
      { name: "backup", text: "Back up first what is there now.", free: true, checked: true },
      { name: "lost", text: `I know that what was written since ${exact(backup.created)} is lost.` },
    ],
    isReady: () => fits,
    go: only.length > 0 ? `Restore ${many(only.length, "file")}` : "Restore everything",
    danger: true,
    run: async (ticked, left) => {
      if (ticked.has("backup")) await done(await order("backups"), left);
      if (left.aborted) return;
      await order(`backups/${backup.id}/restore`, { only });
      say("The restore is ordered.");
      await look();
    },
  });
}

function lostOfAll(files, backup, since) {
  const folders = [...new Set(files.map(({ path }) => path.split("/")[0]))];
  return [
    ["Everything written since ", h("strong", {}, exact(backup.created)), ` (${ago(backup.created)}): `, folders.flatMap((folder, at) => [at > 0 && ", ", h("code", {}, `${folder}/`)]), " and the databases become what they were."],
    "Files that came to be in these folders since then are removed.",
    since.length > 0 && [`What ${many(since.length, "update")} since then did to data and configuration: `, since.slice(0, SHOWN).map(titleOf).join(", "), since.length > SHOWN && ` and ${since.length - SHOWN} more`, "."],
  ].filter(Boolean);
}

function lostOf(only, backup) {
  return [
    ["What these have today, for what they had at ", h("strong", {}, exact(backup.created)), ` (${ago(backup.created)}):`],
    ...only.slice(0, SHOWN).map((path) => h("code", {}, path)),
    only.length > SHOWN && `and ${only.length - SHOWN} more`,
  ].filter(Boolean);
}

/** Waits for an order to its end; what went wrong with it is an error here. */
async function done(ordered, left) {
  let now = ordered;
  while (isOpen(now) && !left.aborted) {
    await new Promise((go) => setTimeout(go, LOOK_EVERY));
    now = await get(`orders/${now.order_id}`);
  }
  if (now.problem) throw new Error(`The backup before did not succeed, so nothing was restored. ${now.problem.code}: ${now.problem.detail}`);
}
