// At a glance: what is installed, what there is to go to and why or why not, what runs, what waits.

import { fill, h, refill } from "../dom.js";
import { get, on, put } from "../api.js";
import { act, bullets, card, chip, head, pairs, pill, problem, quiet, when } from "../parts.js";
import { confirm } from "../confirm.js";
import { watch } from "../live.js";
import { inline } from "../markdown.js";
import { bytes, day, stateOf, titleOf, wayBack } from "../words.js";
import { momentIn, zoneOf } from "../zone.js";
import { change, openness } from "./calendar.js";
import { queue } from "./waiting.js";

const LOOK_EVERY = 5000;

export async function overview(stage) {
  const version = await get("version");
  const [hero, now, offers, recent, waits, hours, maintenance] = Array.from({ length: 7 }, () => h("div", {}));
  stage.show(
    head("Overview"),
    h("div", { class: "cards" },
      h("div", { class: "main" }, hero, now, offers, recent),
      h("div", { class: "side" }, waits, hours, maintenance, installation(version))));

  const look = async () => {
    const [version, updates, { orders }, mode, policy, health] = await Promise.all([
      get("version"), get("updates?limit=6"), get("orders"), get("maintenance"), get("policy?days=1"), readiness()]);
    if (!stage.isOpen()) return;
    const last = updates.updates[0];
    const zone = zoneOf(policy.time_zone);
    refill(hero, [version, last, health], () => installed(version, last, health));
    refill(now, last, () => last && current(last));
    refill(recent, updates, () => before(updates.updates.slice(1)));
    refill(waits, orders, () => queue(stage, orders, zone, look));
    refill(hours, [policy.now, policy.freeze, policy.auto_upgrade], () => calendarOf(policy, zone));
    refill(maintenance, mode, () => modeOf(stage, mode, look));
  };
  const check = async () => {
    fill(offers, card("Available", {}, quiet("Asking the repository …")));
    const asked = Promise.all([get("updates/check"), get("policy?days=1")]);
    const shown = await asked.then(([found, policy]) => available(found, policy, check), (error) => card("Available", { extra: again(check) }, problem(error)));
    if (stage.isOpen()) fill(offers, shown);
  };

  let soon;
  const heard = (told) => {
    clearTimeout(soon);
    soon = setTimeout(() => look().catch(() => {}), 200);
    if (told?.kind === "finished") check().catch(() => {});
  };
  const timer = setInterval(() => document.hidden || look().catch(() => {}), LOOK_EVERY);
  stage.ends(() => clearInterval(timer));
  stage.ends(watch(null, { event: heard }));
  stage.ends(on("back", () => {
    look().catch(() => {});
    check();
  }));
  await look();
  check();
}

/** Its no comes with the reasons, and is an answer all the same. */
const readiness = () => fetch("/health/ready").then((answer) => answer.json()).catch(() => null);

function installed(version, last, health) {
  return h("section", { class: "card", "aria-label": "Installed" },
    h("div", { class: "hero" },
      h("div", {},
        h("p", { class: "quiet" }, version.product),
        h("div", { class: "line" },
          h("span", { class: "version" }, version.current_version ?? "nothing"),
          chip(version.channel),
          health && (health.ready ? pill("ready", "good") : pill("not ready", "warn"))),
        h("p", { class: "under quiet" }, version.last_updated ? ["put in place ", when(version.last_updated)] : "nothing is installed yet"),
        last && quiet(h("span", { class: "small" }, wayBack(last, version)))),
      last && h("div", {},
        h("p", { class: "quiet small" }, "Last update"),
        h("p", { class: "name" }, h("a", { href: `#/update/${last.update_id}`, "data-key": "last" }, titleOf(last))),
        h("p", {}, pill(...stateOf(last))))),
    health && !health.ready && h("div", { class: "note warn" }, bullets(health.reasons)));
}

function current(update) {
  if (update.state === "finished") return null;
  const done = update.steps.filter((step) => step.state === "succeeded").length;
  return card("Under way", { size: "busy", extra: pill(...stateOf(update)) },
    h("div", { class: "stack tight" },
      h("p", {}, titleOf(update), ", begun ", when(update.accepted_at), " by ", update.accepted_by),
      h("progress", { max: update.steps.length, value: done, "aria-label": `${done} of ${update.steps.length} steps` }),
      h("p", { class: "quiet small" }, `${done} of ${update.steps.length} steps`),
      h("div", { class: "buttons" }, h("a", { class: "button first", href: `#/update/${update.update_id}`, "data-key": "watch" }, "Watch"))));
}

const again = (check) => act("Check again", check, { kind: "bare" });

function available(found, policy, check) {
  // Where no way leads to the highest, one may lead to another.
  const other = found.updates_available ? undefined : found.available.findLast((one) => one.held.every(({ by }) => OF_ALL.includes(by)))?.version;
  const best = found.latest_stable ?? found.latest_version ?? other;
  const line = found.updates_available
    ? h("p", {}, "The newest to go to is ", h("strong", {}, found.latest_version), found.latest_stable && found.latest_stable !== found.latest_version && [", the newest stable one ", h("strong", {}, found.latest_stable)], ".")
    : h("p", {}, other ? ["The newest to go to is ", h("strong", {}, other), "."] : found.available.length === 0 ? "This is the newest release." : "There is nothing to go to now.");
  return card("Available", { extra: again(check) },
    h("div", { class: "stack" },
      line,
      best && !policy.now.open && h("p", { class: "note warn" }, "Updates may not begin now: ", policy.now.reason,
        policy.now.changes_at ? [". They may ", change(policy, zoneOf(policy.time_zone)), "; a plan can be scheduled for then."] : "."),
      found.available.length > 0 && h("ul", { class: "rows" }, [...found.available].reverse().map((one) =>
        h("li", {},
          h("div", { class: "grow" },
            h("p", {}, h("span", { class: "name" }, one.version), " ", chip(one.channel)),
            h("p", { class: "quiet small" }, [one.released_at && `published ${day(one.released_at)}`, one.download_bytes && bytes(one.download_bytes)].filter(Boolean).join(" · ")),
            one.withdrawn && h("p", { class: "note bad small" }, one.withdrawn),
            held(one, policy)),
          h("a", { class: one.version === best ? "button first" : "button", href: `#/plan/${one.version}`, "data-key": `plan-${one.version}`, "aria-label": `See the plan to ${one.version}` }, "See the plan")))),
      found.notes.length > 0 && h("div", { class: "note" }, h("h3", {}, "Good to know"), bullets(found.notes.map(inline)))));
}

/** What holds back all releases alike. */
const OF_ALL = ["auto-upgrade", "calendar", "freeze"];
/** Passes, or is ended by whoever has the policy: whoever looks is told at once. */
const OF_TIME = ["calendar", "freeze", "rollout"];
/** No time opens a way to it. */
const OUT_OF_REACH = ["yanked", "platform", "policy", "no-way"];
/** Of no meaning to whom starts each update by hand. */
const OF_ITSELF = ["auto-upgrade", "newer"];

/** When it is taken by itself, or what keeps it from that. */
function held({ held: all, taken_at: at, withdrawn }, { auto_upgrade: isAuto, time_zone: name }) {
  const zone = zoneOf(name);
  if (all.length === 0) return h("p", { class: "small" }, "Is taken by itself at the server's next look.");
  const reasons = all.filter((one) => one.message !== withdrawn && (isAuto || !OF_ITSELF.includes(one.by)));
  const lasting = reasons.filter((one) => !OF_TIME.includes(one.by));
  const isOut = all.some((one) => OUT_OF_REACH.includes(one.by));
  const times = isOut ? [] : reasons.filter((one) => OF_TIME.includes(one.by));
  return [
    times.map((one) => h("p", { class: "small" }, "Not now: ", inline(one.message), ".")),
    at && h("p", { class: "small" }, "Is taken by itself ", momentIn(at, zone), ", ", when(at), "."),
    lasting.length > 0 && h("details", { class: "small" },
      h("summary", {}, isAuto ? "Why it is not taken by itself" : "What stands against it"),
      bullets(lasting.map((one) => inline(one.message)))),
  ];
}

/** When updates may begin, in short. */
function calendarOf(policy, zone) {
  return card("Calendar", { extra: openness(policy) },
    h("div", { class: "stack tight" },
      policy.freeze !== null
        ? h("p", {}, h("strong", {}, "Frozen: "), policy.freeze)
        : h("p", {}, policy.now.open ? "Updates may begin " : "Updates may begin again ", change(policy, zone), "."),
      quiet(policy.auto_upgrade ? "New releases are taken by themselves." : "Nothing is taken by itself."),
      h("p", { class: "small" }, h("a", { href: "#/calendar", "data-key": "calendar" }, "The days to come"))));
}

function before(updates) {
  if (updates.length === 0) return null;
  return card("Before that", { extra: h("a", { class: "small", href: "#/history" }, "All of them") },
    h("ul", { class: "rows" }, updates.map((update) =>
      h("li", {},
        h("a", { class: "grow", href: `#/update/${update.update_id}`, "data-key": update.update_id }, titleOf(update)),
        h("span", { class: "quiet small" }, when(update.accepted_at)),
        pill(...stateOf(update))))));
}

function modeOf(stage, mode, look) {
  const word = mode.enabled ? pill("on", "warn") : pill("off", "good");
  const change = () => confirm({
    title: mode.enabled ? "End maintenance?" : "Begin maintenance?",
    body: [h("p", {}, mode.enabled
      ? "The product is told that it may take everybody in again."
      : "The product is told to keep its users out until maintenance is ended. This page goes on working.")],
    go: mode.enabled ? "End maintenance" : "Begin maintenance",
    run: async () => {
      await put("maintenance", { enabled: !mode.enabled });
      await look();
    },
  });
  return card("Maintenance", { extra: word },
    h("div", { class: "stack tight" },
      mode.enabled
        ? h("p", {}, mode.since ? ["since ", when(mode.since)] : "on", mode.reason && `: ${mode.reason}`)
        : quiet("The product serves its users."),
      stage.may("operator") && h("div", {}, act(mode.enabled ? "End maintenance" : "Begin maintenance", change, { key: "maintenance" }))));
}

function installation(version) {
  return card("Installation", {},
    pairs(
      ["Folder", h("code", {}, version.root)],
      ["Repository", version.repository ? h("code", {}, version.repository) : "none"],
      version.kept.length > 0 && ["Kept", `${version.kept.join(", ")} (the way back needs no download)`],
      ["NetLink", version.netlink],
      ["Interface", h("a", { href: "/reference" }, "REST reference")]));
}
