// The frame: who is here, which view is open, and what happens when the server goes away or the session ends.

import { fill, h } from "./dom.js";
import { get, on, remove } from "./api.js";
import { problem, say } from "./parts.js";
import { overview } from "./views/overview.js";
import { plan } from "./views/plan.js";
import { update } from "./views/update.js";
import { history } from "./views/history.js";
import { backups } from "./views/backups.js";
import { backup } from "./views/backup.js";
import { calendar } from "./views/calendar.js";
import { audit } from "./views/audit.js";
import { tokens } from "./views/tokens.js";
import { login } from "./views/login.js";

const RANK = { viewer: 0, operator: 1, admin: 2 };
/** Each with its address, its name, and the least role that gets something out of it; those without a name are reached from others, mostly `of` one. */
const VIEWS = [
  { at: /^$/, name: "Overview", address: "#/", show: overview },
  { at: /^plan\/([^/]+)$/, of: "Overview", show: plan },
  { at: /^update\/([^/]+)$/, of: "History", show: update },
  { at: /^history$/, name: "History", address: "#/history", show: history },
  { at: /^backups$/, name: "Backups", address: "#/backups", show: backups },
  { at: /^backup\/([^/]+)$/, of: "Backups", show: backup },
  { at: /^calendar$/, name: "Calendar", address: "#/calendar", show: calendar },
  { at: /^audit$/, name: "Audit", address: "#/audit", role: "admin", show: audit },
  { at: /^tokens$/, name: "Tokens", address: "#/tokens", role: "admin", show: tokens },
];

const main = document.getElementById("main");
const top = document.getElementById("top");
const away = document.getElementById("away");

let session = null;
let product = "NetLink";
/** Ends what the open view has going: timers, lines of events. */
let leave = () => {};
/** The open view could not be shown. */
let failed = false;

export const may = (role) => session !== null && RANK[session.role] >= RANK[role];

function route() {
  const address = location.hash.replace(/^#\/?/, "");
  for (const view of VIEWS) {
    const found = address.match(view.at);
    if (found && (!view.role || may(view.role))) return [view, found.slice(1)];
  }
  return [VIEWS[0], []];
}

async function show({ focus = true } = {}) {
  leave();
  const ends = [];
  leave = () => ends.splice(0).forEach((end) => end());
  if (!session) return door();
  const [view, parameters] = route();
  bar(view);
  const stage = {
    isOpen: () => leave === mine,
    /** Puts this into the page, unless another view is open by now. */
    show: (...children) => leave === mine && fill(main, ...children),
    /** Runs when the view is left, at once when it was already. */
    ends: (end) => (leave === mine ? ends.push(end) : end()),
    may,
  };
  const mine = leave;
  failed = false;
  if (focus) fill(main, h("p", { class: "quiet starting" }, "One moment …"));
  try {
    await view.show(stage, ...parameters);
  } catch (error) {
    if (leave !== mine) return;
    failed = true;
    fill(main, problem(error));
  }
  if (leave !== mine) return;
  const title = main.querySelector("h1");
  document.title = title ? `${title.textContent} · ${product}` : product;
  if (focus) title?.focus();
}

function door(word) {
  leave();
  leave = () => {};
  top.hidden = true;
  document.title = "Log in · NetLink";
  fill(main, login(word, async (entered) => {
    session = entered;
    await named();
    await show();
  }));
}

function bar(open) {
  top.hidden = false;
  const shown = VIEWS.filter((view) => view.name && (!view.role || may(view.role)));
  fill(top, h("div", { class: "bar" },
    h("a", { class: "brand", href: "#/" }, h("img", { src: "/page/icon.svg", alt: "", width: 28, height: 28 }), product),
    h("nav", { "aria-label": "Views" }, h("ul", {}, shown.map((view) =>
      h("li", {}, h("a", { href: view.address, "aria-current": view === open ? "page" : open.of === view.name && "true" }, view.name))))),
    h("div", { class: "whoami" },
      h("span", { title: session.who }, session.role),
      h("button", { type: "button", class: "bare", onclick: logout }, "Log out"))));
}

async function logout() {
  try {
    await remove("session");
    session = null;
    door();
  } catch (error) {
    say(error.message);
  }
}

/** What this is a page of. */
async function named() {
  const version = await get("version").catch(() => null);
  product = version?.product ?? "NetLink";
}

document.getElementById("skip").addEventListener("click", (event) => {
  // The address names the view; the link moves only the focus.
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", () => {
  // What was said was said of another view.
  fill(document.getElementById("said"));
  show();
});
on("away", () => {
  away.textContent = "The server is away. Trying again …";
});
on("back", async () => {
  away.textContent = "";
  say("The server is back.");
  const before = session;
  session = await get("session").catch(() => before);
  if (product === "NetLink") await named();
  // Views go on by themselves; what could not be shown for want of a server is shown now.
  if (failed || !before || !session) await show({ focus: false });
});
on("out", () => {
  if (!session) return;
  session = null;
  door("Your session has ended. Log in again to go on where you were.");
});

async function begin() {
  try {
    session = await get("session");
    if (session) await named();
    await show({ focus: false });
  } catch (error) {
    failed = true;
    fill(main, problem(error));
  }
}

begin();
