// Numbers, times and names as people read them.

export function bytes(count) {
  if (count === undefined || count === null) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** `under 1 ms`, `1.4 s`, `2 min 05 s`, `3 h 12 min`. */
export function lasting(seconds) {
  if (seconds === undefined || seconds === null || Number.isNaN(seconds)) return "–";
  if (seconds < 0.0005) return "under 1 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** An estimate; whole numbers say that it is none to rely on. */
export function about(seconds) {
  if (!seconds) return "no time to speak of";
  return seconds < 60 ? `about ${seconds} s` : `about ${Math.round(seconds / 60)} min`;
}

export const between = (from, to) => (new Date(to) - new Date(from)) / 1000;

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export const day = (time) => DAY.format(new Date(time));
export const exact = (time) => EXACT.format(new Date(time));
export const clock = (time) => CLOCK.format(new Date(time));

/** `just now`, `5 min ago`, `in 3 days`; older ones by their day. */
export function ago(time) {
  const seconds = (Date.now() - new Date(time)) / 1000;
  const size = Math.abs(seconds);
  const said = (text) => (seconds >= 0 ? `${text} ago` : `in ${text}`);
  if (size < 10) return "just now";
  if (size < 60) return said(`${Math.round(size)} s`);
  if (size < 3600) return said(`${Math.round(size / 60)} min`);
  if (size < 86400) return said(`${Math.round(size / 3600)} h`);
  if (size < 14 * 86400) return said(many(Math.round(size / 86400), "day"));
  return day(time);
}

export const many = (count, word, words = `${word}s`) => `${count.toLocaleString()} ${count === 1 ? word : words}`;

export const VERBS = { install: "Installation", upgrade: "Upgrade", downgrade: "Downgrade", rollback: "Rollback" };

/** What an order or an update is about, in a line. */
export function titleOf(update) {
  if (update.verb === "upgrade-db") return `Database to the schema of ${update.to}`;
  const way = update.from ? `${update.from} → ${update.to}` : update.to;
  return `${VERBS[update.verb] ?? update.verb} ${way}`;
}

/** Until when the release before is kept for the way back; null where it is not. */
export function wayBack(update, { current_version: installed, kept }) {
  const isThere = update.finalizes_at && installed === update.to && kept.includes(update.from);
  if (!isThere) return null;
  const isToCome = new Date(update.finalizes_at) > new Date();
  return `${update.from} is kept for the way back; finalized ${isToCome ? `${ago(update.finalizes_at)} at the earliest` : "with the next change"}`;
}

export function titleOfOrder(wanted) {
  switch (wanted.kind) {
    case "upgrade": return `Upgrade to ${wanted.target_version}`;
    case "downgrade": return `Downgrade to ${wanted.target_version}`;
    case "rollback": return `Roll back ${wanted.update_id}`;
    case "backup_create": return wanted.full ? "Back up, reading every file" : "Back up";
    case "backup_verify": return `Verify ${wanted.backup_id}`;
    case "backup_drill": return `Restore ${wanted.backup_id} for practice`;
    case "backup_restore": return `Restore ${wanted.backup_id}`;
    case "backup_prune": return "Let go of old backups";
    default: return wanted.kind;
  }
}

/** Steps in words; the stable name stays beside them. */
export const STEPS = {
  preflight: "Look whether all is ready",
  download: "Fetch the release",
  stage: "Unpack and check it",
  environment: "Prepare what it needs",
  trial: "Try migrations on copies",
  backup: "Back up",
  "maintenance-on": "Maintenance on",
  "schema-before": "Migrate what may go first",
  stop: "Stop the product",
  exchange: "Exchange the tree",
  dependencies: "Dependencies",
  config: "Configuration",
  schema: "Database schema",
  switch: "Switch to the release",
  start: "Start the product",
  health: "Look whether it is healthy",
  validate: "Validate",
  "schema-after": "Migrate what comes after",
  record: "Write it down",
  "maintenance-off": "Maintenance off",
  retention: "Let go of what is not kept",
};

const BEFORE = ["preflight", "download", "stage", "environment", "trial", "backup", "maintenance-on", "schema-before"];
const UPDATE = ["stop", "exchange", "dependencies", "config", "schema", "switch", "start"];

function phaseOf(step) {
  if (BEFORE.includes(step)) return ["Before", "the product runs"];
  return UPDATE.includes(step) ? ["Update", "the product is stopped"] : ["After", "the new release runs"];
}

/** Steps `{step, release, …}` in their order, cut where the product stops and starts again. */
export function phases(steps) {
  const found = [];
  const releases = new Set(steps.map((one) => one.release));
  for (const one of steps) {
    const [name, under] = phaseOf(one.step);
    if (found.at(-1)?.phase !== name) found.push({ phase: name, under, steps: [] });
    found.at(-1).steps.push(one);
  }
  return found.map((group) => {
    const own = new Set(group.steps.map((one) => one.release));
    const isOne = releases.size > 1 && own.size === 1;
    return { ...group, name: isOne ? `${group.phase} · ${[...own][0]}` : group.phase, isMixed: own.size > 1 };
  });
}

/** One word, and whether it is good, bad, under way or neither. */
export function stateOf(update) {
  switch (update.state) {
    case "running": return update.course === "backward" ? ["going back", "busy"] : ["running", "busy"];
    case "died": return ["interrupted", "bad"];
    case "waiting": return [WAITS[update.reason] ?? "waits", "warn"];
    default: return update.outcome === "completed" ? ["completed", "good"] : ["rolled back", "warn"];
  }
}

const WAITS = {
  asked: "paused",
  server_ended: "paused until the server is back",
  undo_failed: "a person is needed",
  clean_up_failed: "a person is needed",
};
