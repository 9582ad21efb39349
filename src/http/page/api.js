// Asks the server, and tells apart: a no with its reason, a session that has ended, a server that is away.

export const BASE = "/api/v1/system";

/** The server said no; `message` is what a person should read. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? "";
    this.title = problem.title ?? "";
  }
}

/** Nobody answered. */
export class Away extends Error {}

const listeners = { away: [], back: [], out: [] };
let isAway = false;

/** `away` and `back` of the server, `out` when nobody is logged in any more. Returns what ends it. */
export function on(what, listener) {
  listeners[what].push(listener);
  return () => listeners[what].splice(listeners[what].indexOf(listener), 1);
}

function tell(what) {
  for (const listener of [...listeners[what]]) listener();
}

export function serverIsAway() {
  if (isAway) return;
  isAway = true;
  tell("away");
  look();
}

/** Until it answers again; from then on everything goes on by itself. */
function look() {
  setTimeout(async () => {
    const lives = await fetch("/health/live", { cache: "no-store" }).then((answer) => answer.ok, () => false);
    if (!lives) return look();
    isAway = false;
    tell("back");
  }, 1000);
}

/** The answer's JSON; null when there is none. */
export async function ask(method, path, { body, headers = {} } = {}) {
  const sent = { ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const whole = path.startsWith("/") ? path : `${BASE}/${path}`;
  let answer;
  try {
    answer = await fetch(whole, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    serverIsAway();
    throw new Away("The server does not answer.");
  }
  const text = await answer.text().catch(() => "");
  if (answer.ok) return text === "" ? null : JSON.parse(text);
  const problem = read(text);
  // A wrong token at the door is for the door to say.
  if (answer.status === 401 && !sent.Authorization) tell("out");
  throw new Refused(answer.status, problem);
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

export const get = (path, more) => ask("GET", path, more);

/** Something that takes its time: the same click sent twice is one order. */
export const order = (path, body = {}) =>
  ask("POST", path, { body, headers: { "Idempotency-Key": crypto.randomUUID?.() ?? `page-${Date.now()}-${Math.random()}` } });

export const post = (path, body) => ask("POST", path, { body });
export const put = (path, body) => ask("PUT", path, { body });
export const remove = (path) => ask("DELETE", path);

export const login = (token) => ask("POST", "session", { headers: { Authorization: `Bearer ${token}` } });
