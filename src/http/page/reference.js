// The reference of the REST interface, made out of the description that the server gives.

import { fill, h } from "./dom.js";
import { markdown } from "./markdown.js";

const main = document.getElementById("main");
const METHODS = ["get", "put", "post", "delete"];

function all(description) {
  return Object.entries(description.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => ({ path, method, ...methods[method] })));
}

const idOf = (operation) => `${operation.method}-${operation.path.replaceAll(/[^a-z0-9]+/gi, "-")}`;

function draw(description) {
  const operations = all(description);
  const groups = [...new Set(operations.map((one) => one.tags?.[0] ?? "other"))];
  const schemas = Object.entries(description.components.schemas);
  fill(main,
    h("div", { class: "head" }, h("div", { class: "grow" },
      h("h1", { tabindex: "-1" }, "REST interface"),
      h("p", {}, description.info.description, " The same as ", h("a", { href: "/openapi.yaml" }, "OpenAPI 3.1"), "."))),
    h("div", { class: "reference" },
      h("nav", { "aria-label": "Addresses" }, groups.map((group) => [
        h("h2", {}, group),
        operations.filter((one) => (one.tags?.[0] ?? "other") === group).map((one) =>
          h("a", { href: `#${idOf(one)}` }, summary(one) || one.path)),
      ]), h("h2", {}, "schemas"), h("a", { href: "#schemas" }, `${schemas.length} of them`)),
      h("div", { class: "stack" },
        groups.flatMap((group) => operations.filter((one) => (one.tags?.[0] ?? "other") === group).map(operation)),
        h("h2", { id: "schemas" }, "Schemas"),
        schemas.map(([name, schema]) => h("section", { class: "card schema", id: `schema-${name}`, "aria-label": name },
          h("header", {}, h("h2", {}, name)),
          schema.description && markdown(schema.description),
          shape(schema))))));
}

const summary = (operation) => (operation.summary ?? operation.description ?? "").split(/[:.;]/)[0];

function operation(one) {
  const role = one.security?.map((way) => way.token?.[0]).find(Boolean);
  const body = one.requestBody?.content?.["application/json"]?.schema;
  return h("section", { class: "card operation", id: idOf(one), "aria-label": `${one.method} ${one.path}` },
    h("header", {}, h("span", { class: `method ${one.method}` }, one.method.toUpperCase()), h("h2", {}, h("code", {}, one.path)), h("span", { class: "chip" }, role ?? "no token")),
    h("div", { class: "stack tight" }, (one.summary || one.description) && markdown(one.summary ?? one.description)),
    (one.parameters ?? []).length > 0 && [h("h3", {}, "Parameters"), fields(one.parameters.map((parameter) =>
      [parameter.name, `${parameter.in}, ${typeOf(parameter.schema)}`, parameter.required, parameter.description]))],
    body && [h("h3", {}, "Body"), shape(body)],
    h("h3", {}, "Answers"),
    fields(Object.entries(one.responses).map(([status, answer]) => [status, contents(answer.content), false, answer.description])));
}

function contents(content) {
  if (!content) return "nothing";
  return Object.entries(content).map(([kind, { schema }]) => [kind, " ", h("small", {}, typeOf(schema))]);
}

const fields = (rows) => h("dl", { class: "pairs" }, rows.map(([name, type, required, text]) => [
  h("dt", {}, h("code", {}, name), required && h("span", { title: "required" }, " *")),
  h("dd", {}, h("span", { class: "quiet small" }, type), text && markdown(text)),
]));

/** The type in a word, as a link where it has a name. */
function typeOf(schema) {
  if (!schema) return "anything";
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return h("a", { href: `#schema-${name}` }, name);
  }
  if (schema.type === "array") return ["list of ", typeOf(schema.items)];
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.flatMap((one, index) => [index > 0 ? " or " : "", typeOf(one)]);
  if (schema.enum) return schema.enum.map((one) => `"${one}"`).join(", ");
  return [schema.type ?? "object"].flat().join(" or ") + (schema.format ? ` (${schema.format})` : "");
}

function shape(schema) {
  if (schema.$ref) return h("p", {}, typeOf(schema));
  const parts = schema.allOf ?? schema.oneOf;
  if (parts) return h("div", { class: "stack tight" }, h("p", { class: "quiet small" }, schema.allOf ? "all of" : "one of"), parts.map(shape));
  if (!schema.properties) return h("p", { class: "small" }, typeOf(schema));
  return fields(Object.entries(schema.properties).map(([name, one]) => [name, typeOf(one), (schema.required ?? []).includes(name), one.description]));
}

fetch("/page/openapi.json")
  .then((answer) => answer.json())
  .then(draw)
  .then(() => location.hash && document.querySelector(`#${CSS.escape(location.hash.slice(1))}`)?.scrollIntoView())
  .catch((error) => fill(main, h("p", { class: "quiet starting" }, `The description could not be read: ${error.message}`)));
