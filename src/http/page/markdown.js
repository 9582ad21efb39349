// The little Markdown that changelogs and notes have, as nodes: paragraphs, lists, code, emphasis, links. The rest stays text.

import { h } from "./dom.js";

const SAFE = ["https://", "http://", "mailto:"];
const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^()\s]+)\)/g;

export function markdown(text) {
  return h("div", { class: "markdown" }, blocks(text));
}

/** Line by line: a fence of code, a list, a paragraph. */
function blocks(text) {
  const found = [];
  let open = null;
  const close = () => {
    if (open) found.push(node(open));
    open = null;
  };
  for (const line of text.split("\n")) {
    const isFence = line.trimStart().startsWith("```");
    const item = line.match(/^\s*(?:[-*+]|\d+[.)]) (.*)$/);
    if (open?.kind === "code") {
      if (isFence) close();
      else open.lines.push(line);
    } else if (isFence) {
      close();
      open = { kind: "code", lines: [] };
    } else if (line.trim() === "") {
      close();
    } else if (item) {
      if (open?.kind !== "list") close();
      open ??= { kind: "list", lines: [] };
      open.lines.push(item[1]);
    } else if (open?.kind === "list") {
      open.lines[open.lines.length - 1] += ` ${line.trim()}`;
    } else {
      open ??= { kind: "text", lines: [] };
      open.lines.push(line.trim());
    }
  }
  close();
  return found;
}

function node({ kind, lines }) {
  switch (kind) {
    case "code": return h("pre", {}, h("code", {}, lines.join("\n")));
    case "list": return h("ul", { class: "bullets" }, lines.map((line) => h("li", {}, inline(line))));
    default: return h("p", {}, inline(lines.join(" ")));
  }
}

export function inline(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, code, strong, emphasis, name, address] = found;
    nodes.push(text.slice(from, found.index));
    from = found.index + whole.length;
    if (code) nodes.push(h("code", {}, code));
    else if (strong) nodes.push(h("strong", {}, inline(strong)));
    else if (emphasis) nodes.push(h("em", {}, inline(emphasis)));
    else if (SAFE.some((start) => address.toLowerCase().startsWith(start))) {
      nodes.push(h("a", { href: address, rel: "nofollow noopener noreferrer" }, name));
    } else nodes.push(name);
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}
