// Nodes made by functions; text stays text.

const SVG = "http://www.w3.org/2000/svg";

/** h("p", {class: "quiet", onclick: f, hidden: true}, "text", node, [nodes], null) */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** The same for pictures. */
export function s(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

function filled(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Puts new children in the place of the old ones; a focused button that is there again keeps the focus. */
export function fill(node, ...children) {
  const key = node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  node.replaceChildren();
  append(node, children);
  if (key) node.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

const shown = new WeakMap();

/** The same, only when what is to be seen has changed: nobody loses a selection to a look that found nothing new. */
export function refill(node, data, make) {
  const text = JSON.stringify(data);
  if (shown.get(node) === text) return;
  shown.set(node, text);
  fill(node, make());
}

let last = 0;

/** A name for a node that another refers to. */
export function fresh(word) {
  last += 1;
  return `${word}-${last}`;
}
