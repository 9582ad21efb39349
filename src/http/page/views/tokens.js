// Tokens: who may ask for what. A new one is shown once.

import { fill, h } from "../dom.js";
import { get, post, remove } from "../api.js";
import { act, card, head, pill, problem, table, when } from "../parts.js";
import { confirm } from "../confirm.js";

export async function tokens(stage) {
  const list = h("div", {});
  const made = h("div", { role: "status" });
  const look = async () => {
    const { tokens: all } = await get("tokens");
    if (stage.isOpen()) fill(list, shown(all, look));
  };
  await look();
  stage.show(head("Tokens", "Each program and each person has one of its own, with no more rights than it needs."),
    h("div", { class: "stack" }, form(made, look), made, list));
}

function form(made, look) {
  const name = h("input", { type: "text", id: "token-name", required: true, maxlength: 100, autocomplete: "off" });
  const role = h("select", { id: "token-role" }, [["viewer", "viewer: look"], ["operator", "operator: also update and back up"], ["admin", "admin: everything"]].map(([value, text]) => h("option", { value }, text)));
  const life = h("select", { id: "token-life" }, [["90d", "for 90 days"], ["365d", "for a year"], ["24h", "for a day"], ["", "until it is revoked"]].map(([value, text]) => h("option", { value }, text)));
  const trouble = h("div", {});
  const submit = async (event) => {
    event.preventDefault();
    trouble.replaceChildren();
    try {
      const body = { name: name.value, role: role.value };
      if (life.value) body.expires_in = life.value;
      const token = await post("tokens", body);
      name.value = "";
      fill(made, once(token, made));
      await look();
    } catch (error) {
      trouble.replaceChildren(problem(error));
    }
  };
  return card("New token", {}, h("form", { class: "stack", onsubmit: submit },
    h("div", { class: "fields" },
      h("div", {}, h("label", { for: "token-name" }, "What it is for"), name),
      h("div", {}, h("label", { for: "token-role" }, "Role"), role),
      h("div", {}, h("label", { for: "token-life" }, "Lasts"), life),
      h("div", {}, h("button", { type: "submit", class: "first" }, "Make it"))),
    trouble));
}

function once(token, made) {
  return h("div", { class: "box good stack tight" },
    h("h2", {}, `The token for ${token.name}`),
    h("p", {}, "Copy it now: nobody can show it again."),
    h("p", {}, h("code", { class: "mono" }, token.token)),
    h("div", { class: "buttons" }, act("I have it", () => made.replaceChildren())));
}

function shown(all, look) {
  return card("Tokens", {},
    table("Tokens, newest first", [["Token"], ["Role"], ["State"], ["Last used", "narrow-off"], ["", "act"]],
      [...all].reverse().map((token) => {
        const ended = token.revoked_at || (token.expires_at && new Date(token.expires_at) <= new Date());
        return [
          [token.name, h("p", { class: "quiet small mono" }, token.prefix)],
          token.role,
          token.revoked_at ? pill("revoked", "bad") : ended ? pill("expired", "warn") : [pill("valid", "good"), h("p", { class: "quiet small" }, token.expires_at ? ["until ", when(token.expires_at)] : "does not expire")],
          when(token.last_used_at),
          ended ? "" : act("Revoke", () => revoke(token, look), { kind: "bare danger", key: `revoke-${token.prefix}`, label: `Revoke ${token.name}` }),
        ];
      })));
}

function revoke(token, look) {
  confirm({
    title: `Revoke ${token.name}?`,
    body: [h("p", {}, "It lets nobody in from now on, and the sessions that were begun with it end.")],
    go: "Revoke it",
    danger: true,
    run: async () => {
      await remove(`tokens/${token.prefix}`);
      await look();
    },
  });
}
