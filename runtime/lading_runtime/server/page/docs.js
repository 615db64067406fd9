"use strict";
// The API: every operation of the OpenAPI document, and the schemas that they refer to.

let api;

// --- schemas ---

const nameIn = (reference) => reference.split("/").at(-1);

const number = (value) => (isRaw(value) ? value.rawJSON : value);
const isDeep = (schema) => ["properties", "items", "prefixItems", "anyOf", "allOf", "additionalProperties"].some((key) => schema[key]);

function remarks(schema) {
  const { minItems: least, maxItems: most, minimum, maximum } = schema;
  return [
    schema.format ?? schema.contentEncoding,
    least !== undefined && (least === most ? `${least} items` : `at least ${least} items`),
    !schema.format && minimum !== undefined && `from ${number(minimum)}`,
    !schema.format && maximum !== undefined && `to ${number(maximum)}`,
    schema.default !== undefined && `default ${JSON.stringify(schema.default)}`,
    schema.description,
  ].filter(Boolean).join(" · ");
}

function typeOf(schema) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.join(", ");
  const types = [schema.type ?? []].flat().map((type) => (type === "array" ? arrayOf(schema) : type)).join(" or ");
  return types || (schema.oneOf || schema.anyOf || schema.allOf ? "" : "anything");
}

function arrayOf({ items = {} }) {
  return items.type && !isDeep(items) ? `array of ${[items.type].flat().join(" or ")}` : "array";
}

// What a schema says: a line of text, and a list of what is in it.
function tree(schema, depth = 0) {
  if (schema.$ref) return [el("a", { href: `#${nameIn(schema.$ref)}` }, nameIn(schema.$ref))];
  const text = [typeOf(schema), remarks(schema)].filter(Boolean).join(" · ");
  const inner = depth < 9 ? el("ul", { class: "tree" }, ...members(schema, depth + 1)) : null;
  return [el("span", { class: "dim" }, text), ...(inner?.childElementCount ? [inner] : [])];
}

function members(schema, depth) {
  const required = new Set(schema.required ?? []);
  const named = Object.entries(schema.properties ?? {}).map(([name, member]) =>
    el("li", {}, el("code", {}, name), required.has(name) ? " " : el("i", {}, " optional "), ...tree(member, depth)));
  const others = isObject(schema.additionalProperties) ? [el("li", {}, "any name: ", ...tree(schema.additionalProperties, depth))] : [];
  const cells = (schema.prefixItems ?? []).map((cell, index) => el("li", {}, `${index + 1}. `, ...tree(cell, depth)));
  const items = schema.items?.$ref || (isObject(schema.items) && isDeep(schema.items)) ? [el("li", {}, "each ", ...tree(schema.items, depth))] : [];
  return [...named, ...others, ...cells, ...items, ...choices(schema, depth)];
}

function choices(schema, depth) {
  const parts = [...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  const isAll = Boolean(schema.allOf) && !schema.anyOf;
  return parts.map((part, index) => {
    const word = isAll ? "" : index === 0 ? "either " : "or ";
    if (part.contains) return el("li", {}, "has ", el("code", {}, JSON.stringify(part.contains.const)));
    if (part.required && !part.type) return el("li", {}, `${word}with `, el("code", {}, part.required.join(", ")));
    return el("li", {}, word, ...tree(part, depth));
  });
}

// --- operations ---

const bodiesOf = (content = {}) =>
  Object.entries(content).map(([type, { schema = {} }]) => el("div", { class: "answer" }, el("code", {}, type), " ", ...(Object.keys(schema).length ? tree(schema) : [])));

function requestOf(path, operation) {
  const parts = [];
  const headers = (operation.parameters ?? []).map(({ $ref }) => api.components.parameters[nameIn($ref)]);
  if (operation.requestBody) parts.push(el("h3", {}, "Request"), ...bodiesOf(operation.requestBody.content));
  for (const { name, description } of headers) parts.push(el("div", {}, el("code", {}, name), " ", el("span", { class: "dim" }, description)));
  return parts;
}

function exampleOf(path, method, operation) {
  const example = operation.requestBody?.content["application/json"]?.example;
  if (method === "post" && example === undefined) return [];
  const isSecured = Boolean(api.security) && operation.security?.length !== 0;
  const url = new URL(`.${path}`, location.href).href;
  const line = el("pre", { class: "code", tabindex: "0" }, curl(url, JSON.stringify(example), { isSecured, method: method.toUpperCase() }));
  const button = el("button", { type: "button", class: "quiet" }, "Copy");
  copyable(button, line);
  const tryOut = path === api["x-lading"].scoring ? el("a", { href: "." }, "Try it") : method === "get" && !isSecured ? el("a", { href: `.${path}` }, "Open") : null;
  return [el("div", { class: "head" }, el("h3", {}, "On the command line"), el("span", { class: "line" }, tryOut, button)), line];
}

function answersOf(operation) {
  return [el("h3", {}, "Answers"), ...Object.entries(operation.responses).map(([status, { description, content }]) =>
    el("div", { class: "answer" }, el("code", {}, status), " ", description, ...(status < "300" ? bodiesOf(content) : [])))];
}

function operationOf(path, method, operation) {
  const summary = el("summary", {}, el("span", { class: "verb" }, method.toUpperCase()), el("code", {}, path), el("span", { class: "dim" }, operation.summary));
  const block = el("details", { class: "operation", id: operation.operationId }, summary);
  block.addEventListener("toggle", () => {
    if (block.childElementCount > 1) return;
    block.append(el("div", {}, ...requestOf(path, operation), ...answersOf(operation), ...exampleOf(path, method, operation)));
  });
  return block;
}

function show(document_) {
  api = document_;
  document.title = `${api.info.title} · API`;
  find("name").textContent = `${api.info.title} API`;
  find("main").append(el("p", { class: "dim summary" }, api.info.summary));
  const operations = Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => [path, method, operation]));
  for (const { name } of api.tags) {
    const own = operations.filter(([, , operation]) => operation.tags.includes(name)).map((each) => operationOf(...each));
    find("main").append(el("section", { class: "card" }, el("h2", {}, name), ...own));
  }
  const schemas = Object.entries(api.components.schemas).map(([name, schema]) => el("div", { class: "schema", id: name }, el("h3", {}, name), el("div", {}, ...tree(schema))));
  find("main").append(el("section", { class: "card" }, el("h2", {}, "Schemas"), ...schemas));
  find("main").querySelector("details").open = true;
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

load(show);
