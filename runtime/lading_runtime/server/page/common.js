"use strict";
// What the two pages share. Nothing here makes markup of text: elements are made one by one.

const find = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// --- JSON whose numbers stay as they were written: JavaScript's own end at 2^53 ---

const isRaw = (value) => Boolean(JSON.isRawJSON?.(value));
const keep = (key, value, context) =>
  typeof value === "number" && JSON.rawJSON && context && context.source !== String(value) ? JSON.rawJSON(context.source) : value;
const parse = (text) => JSON.parse(text, keep);
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && !isRaw(value);
// What JavaScript gives every object is no member of it.
const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

// JSON as people write it: what is short stays on a line.
function pretty(value, pad = "") {
  if (value === null || typeof value !== "object" || isRaw(value)) return JSON.stringify(value);
  const isList = Array.isArray(value), deeper = pad + "  ";
  const parts = isList
    ? value.map((item) => pretty(item, deeper))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${pretty(item, deeper)}`);
  const [open, close] = isList ? "[]" : "{}";
  const line = open + parts.join(", ") + close;
  if (parts.length === 0 || (line.length + pad.length < 72 && !line.includes("\n"))) return line;
  return `${open}\n${deeper}${parts.join(`,\n${deeper}`)}\n${pad}${close}`;
}

// --- the command line ---

// In single quotes a POSIX shell changes nothing, and only they cannot stand there.
const quote = (text) => (/^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function curl(url, body, { isSecured = false, method = "POST" } = {}) {
  const words = [`curl ${quote(url)}`];
  if (isSecured) words.push('-H "X-API-Key: $API_KEY"');
  if (method === "POST") words.push("-H 'Content-Type: application/json'", `-d ${quote(body)}`);
  return words.join(" \\\n  ");
}

function copyable(button, source) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch { // there is no clipboard in pages that came over plain HTTP from elsewhere
      getSelection().selectAllChildren(source);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

// --- the server ---

let apiKey = "";
const withKey = (headers = {}) => (apiKey ? { ...headers, "X-API-Key": apiKey } : headers);

function fail(text) {
  find("failure").textContent = text;
  find("failure").hidden = false;
}

// Calls show(document) with the OpenAPI document, once the server gives it.
async function load(show) {
  let answer;
  try {
    answer = await fetch("openapi.json", { headers: withKey() });
    if (answer.status === 401) return askForKey(show);
    if (!answer.ok) return fail(`The server does not describe itself: ${answer.status} ${answer.statusText}`);
  } catch (error) {
    return fail(`The server does not answer: ${error.message}`);
  }
  find("key").hidden = true;
  find("main").hidden = false;
  const api = parse(await answer.text());
  // A link cannot bring a key.
  for (const link of document.querySelectorAll("nav .direct")) link.hidden = Boolean(api.security);
  show(api);
}

function askForKey(show) {
  const form = find("key");
  find("key-note").textContent = apiKey ? "The server does not know this key." : "";
  form.hidden = false;
  find("key-text").focus();
  form.onsubmit = (event) => {
    event.preventDefault();
    apiKey = find("key-text").value.trim();
    load(show);
  };
}
