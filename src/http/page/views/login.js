// At the door: a token is exchanged for a session.

import { h } from "../dom.js";
import { login as enter } from "../api.js";
import { problem } from "../parts.js";

export function login(word, entered) {
  const token = h("input", { type: "password", id: "token", name: "token", autocomplete: "current-password", required: true, spellcheck: "false" });
  const trouble = h("div", {});
  const button = h("button", { type: "submit", class: "first" }, "Log in");
  const form = h("form", { onsubmit: submit },
    h("div", {}, h("label", { for: "token" }, "Token"), token),
    trouble,
    h("div", {}, button));

  async function submit(event) {
    event.preventDefault();
    trouble.replaceChildren();
    button.disabled = true;
    try {
      const session = await enter(token.value.trim());
      token.value = "";
      await entered(session);
    } catch (error) {
      trouble.replaceChildren(problem(error));
      token.focus();
      token.select();
    } finally {
      button.disabled = false;
    }
  }

  queueMicrotask(() => token.focus());
  return h("div", { class: "door" },
    h("section", { class: "card" },
      h("p", { class: "brand" }, h("img", { src: "/page/icon.svg", alt: "", width: 36, height: 36 }), "NetLink"),
      h("h1", { tabindex: "-1" }, "Log in"),
      word && h("p", { class: "note warn", role: "status" }, word),
      form,
      h("p", { class: "quiet small" }, "The first token is in ", h("code", {}, ".netlink/token"), " of the installation; ", h("code", {}, "netlink token create"), " makes others.")));
}
