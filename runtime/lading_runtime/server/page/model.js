"use strict";
// The model: a form after its signature, and what it answers.

const MAX_SHOWN = 200000; // characters of an answer, and
const MAX_VALUES = 200; // rows of it as a table

let card; // what the server says of its model
let isSecured = false;
let running = null; // the request that is under way

// --- what the model is ---

function fact(name, value, isCode) {
  if (!value) return;
  find("facts").append(el("div", {}, el("dt", {}, name), el("dd", { class: isCode ? "code" : undefined }, value)));
}

function fieldText({ name, type }) {
  return name === null ? type : `${name}: ${type}`;
}

function showFacts() {
  const { model, outputs } = card;
  document.title = `${model.name} · Lading`;
  find("name").textContent = model.name;
  fact("Version", model.version);
  fact("Flavor", model.flavors.filter((name) => name !== "python_function").join(", ") || "python_function");
  fact("Returns", outputs.slice(0, 4).map(fieldText).join(", ") + (outputs.length > 4 ? ` and ${outputs.length - 4} more` : ""));
  fact("MLflow", model.mlflow);
  fact("Python", model.python);
  fact("Logged", (model.created || "").slice(0, 16));
  fact("Run", model.run_id, true);
  fact("Model", model.model_id || model.model_uuid, true);
  find("server").textContent = `Lading ${model.lading_runtime}, on Python ${model.server_python}`;
}

async function showState() {
  const state = find("state");
  let text = "does not answer", kind = "bad";
  try {
    const { ok, status } = await fetch("ping");
    [text, kind] = ok ? ["ready", "good"] : [status === 503 ? "not ready" : `${status}`, "bad"];
  } catch { /* as it is */ }
  state.textContent = text;
  state.className = `chip ${kind}`;
  if (kind === "bad") setTimeout(showState, 2000);
}

// --- one value ---

// To the millisecond, as far as the browser's own field can say a time.
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)0*)?$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

function makeInput({ type, is_json: isJson }) {
  const common = { "data-type": isJson ? "json" : type };
  if (isJson) return el("textarea", { ...common, class: "code", rows: 1, spellcheck: "false" });
  if (type === "boolean") {
    const options = [["", "null"], ["true", "true"], ["false", "false"]];
    return el("select", common, ...options.map(([value, text]) => el("option", { value }, text)));
  }
  if (type === "string") return el("textarea", { ...common, rows: 1 });
  const kinds = { double: "number", float: "number", long: "number", integer: "number", datetime: "datetime-local" };
  const step = { double: "any", float: "any", datetime: "1" }[type];
  return el("input", { ...common, type: kinds[type] ?? "text", step });
}

function write(input, value) {
  const { type } = input.dataset;
  input.dataset.null = value === null || value === undefined ? "1" : "";
  if (value === null || value === undefined) {
    input.value = "";
    if (type === "string") input.placeholder = "null";
    return;
  }
  if (type === "json") input.value = pretty(value);
  else if (type === "datetime") input.value = String(value).replace(TIME, (_, day, time = "00:00") => `${day}T${time}`);
  else input.value = plain(value);
  if (input.value === "" && value !== "" && input.tagName === "INPUT") { // what the browser's own field cannot say: nanoseconds
    input.type = "text";
    input.value = plain(value);
  }
}

function read(input) {
  const { type } = input.dataset, text = input.value;
  if (type === "string") return text === "" && input.dataset.null ? null : text;
  if (input.validity.badInput) throw new Misfit(input, "not a number");
  if (text.trim() === "") return null;
  if (type === "json") {
    try { return parse(text); } catch (error) { throw new Misfit(input, error.message); }
  }
  if (type === "boolean") return text === "true";
  // Always to the same unit: pandas wants all times of a column in one form.
  if (input.type === "datetime-local") {
    const [seconds, fraction = ""] = text.split(".");
    return `${seconds.padEnd(19, ":00")}.${fraction.padEnd(3, "0")}`;
  }
  if (input.type === "number" && JSON.rawJSON && NUMBER.test(text)) return JSON.rawJSON(text);
  return input.type === "number" ? Number(text) : text;
}

class Misfit extends Error {
  constructor(input, message) {
    super(`${input.getAttribute("aria-label")}: ${message}`);
    this.input = input;
  }
}

// --- rows: fields are lines of the table, so that many of them fit a narrow screen ---

const nameOf = ({ name }, position) => {
  if (name !== null) return String(name);
  return card.inputs.fields.length === 1 ? "Input" : `Column ${position + 1}`;
};
const heads = () => find("rows").tHead.rows[0];
const titleOf = (line) => line.cells[0].firstChild.data;
const inputsOf = (line) => [...line.querySelectorAll("td > *")];
const lines = () => [...find("rows").tBodies[0].rows];

function makeTable() {
  const body = el("tbody");
  card.inputs.fields.forEach((field, position) => {
    const title = nameOf(field, position);
    const head = el("th", { scope: "row" }, title, el("span", { class: "type" }, field.type));
    if (!field.required) head.lastChild.append(optional(title));
    body.append(el("tr", {}, head));
  });
  find("rows").replaceChildren(el("thead", {}, el("tr", {}, el("td"))), body);
}

function optional(title) {
  const box = el("input", { type: "checkbox", "aria-label": `Send ${title}` });
  box.addEventListener("change", () => {
    for (const input of inputsOf(box.closest("tr"))) input.disabled = !box.checked;
  });
  return el("label", {}, box, " optional");
}

const isSent = (line) => line.querySelector("th input")?.checked ?? true;

function addRow(values = []) {
  const cross = el("button", { type: "button", class: "cross" }, "×");
  cross.addEventListener("click", () => removeRow(cross.closest("th").cellIndex));
  heads().append(el("th", { scope: "col" }, "", cross));
  lines().forEach((line, position) => {
    const field = card.inputs.fields[position];
    const input = makeInput(field);
    write(input, values[position]);
    input.disabled = !isSent(line);
    line.append(el("td", { class: field.is_json || ["string", "datetime"].includes(field.type) ? "wide" : undefined }, input));
  });
  renumber();
}

function removeRow(index) {
  for (const line of find("rows").rows) line.deleteCell(index);
  renumber();
  find("add").focus();
  showCurl();
}

function renumber() {
  for (const [index, head] of [...heads().cells].entries()) {
    if (index === 0) continue;
    head.replaceChildren(`Row ${index} `, head.lastChild);
    head.lastChild.setAttribute("aria-label", `Remove row ${index}`);
    head.lastChild.hidden = heads().cells.length === 2;
  }
  for (const line of lines()) {
    inputsOf(line).forEach((input, index) => input.setAttribute("aria-label", `${titleOf(line)}, row ${index + 1}`));
  }
}

// The rows that a body says, a value for each field (undefined: none); null if they are no rows of the fields.
function rowsOf(body) {
  const { kind, fields } = card.inputs;
  const isNamed = kind === "named columns";
  const names = fields.map((field, position) => (isNamed ? String(field.name) : position));
  const table = body.dataframe_split, list = body.dataframe_records ?? body.instances ?? body.inputs;
  if (Array.isArray(table?.data)) {
    const columns = isNamed ? (table.columns ?? []).map((name) => name?.rawJSON ?? String(name)) : (table.data[0] ?? []).map((_, index) => index);
    return columns.every((name) => names.includes(name)) ? table.data.map((row) => names.map((name) => row[columns.indexOf(name)])) : null;
  }
  if (isNamed && isObject(list)) return rowsOfColumns(list, names);
  if (!Array.isArray(list)) return null;
  if (isNamed && list.every(isObject)) return isKnown(list, names) ? list.map((row) => names.map((name) => own(row, name))) : null;
  if (fields.length === 1 && !list.some(Array.isArray)) return list.map((value) => [value]);
  return kind === "columns" && list.every((row) => row.length === fields.length) ? list : null;
}

const isKnown = (rows, names) => rows.every((row) => Object.keys(row).every((name) => names.includes(name)));

function rowsOfColumns(columns, names) {
  const values = Object.values(columns);
  if (card.inputs.fields.some((field) => field.is_json) || !isKnown([columns], names)) return null;
  if (!values.some(Array.isArray)) return [names.map((name) => own(columns, name))];
  if (!values.every((cells) => cells?.length === values[0].length)) return null;
  return values[0].map((_, row) => names.map((name) => own(columns, name)?.[row]));
}

function fill(rows) {
  makeTable();
  lines().forEach((line, position) => {
    const box = line.querySelector("th input");
    if (box) box.checked = rows.some((row) => row[position] !== undefined);
  });
  for (const row of rows) addRow(row);
}

// --- params ---

function makeParams() {
  for (const param of card.params) {
    const input = makeInput(param);
    input.name = param.name;
    input.setAttribute("aria-label", param.name);
    write(input, param.default);
    find("params").append(el("label", {}, param.name, el("span", { class: "type" }, param.type), input));
  }
  find("params").hidden = card.params.length === 0;
}

const paramInputs = () => [...find("params").querySelectorAll("[data-type]")];

function fillParams(given) {
  for (const input of paramInputs()) {
    if (isObject(given) && own(given, input.name) !== undefined) write(input, given[input.name]);
  }
}

function readParams() {
  const given = paramInputs().map((input) => [input.name, read(input)]);
  return Object.fromEntries(given.filter(([, value]) => value !== null && value !== ""));
}

// --- the request ---

function formBody() {
  const { kind, fields } = card.inputs;
  const sent = fields.map((field, position) => [field, lines()[position]]).filter(([, line]) => isSent(line));
  const columns = sent.map(([, line]) => inputsOf(line).map(read));
  const count = heads().cells.length - 1;
  const data = Array.from({ length: count }, (_, row) => columns.map((cells) => cells[row]));
  const params = readParams();
  const split = { ...(kind === "named columns" ? { columns: sent.map(([field]) => field.name) } : {}), data };
  const body = kind === "type hint" ? { inputs: data.map((row) => row[0]) } : { dataframe_split: split };
  return Object.keys(params).length ? { ...body, params } : body;
}

const isForm = () => find("ask").elements.mode.value === "form";
const scoringUrl = () => new URL(`.${card.scoring}`, location.href).href;

// The text that would be sent. Of a form it is written anew; JSON is sent as it is.
const bodyText = () => (isForm() ? JSON.stringify(formBody()) : find("body").value);

function showCurl() {
  for (const input of find("ask").querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  try {
    find("curl").textContent = curl(scoringUrl(), bodyText(), { isSecured });
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    error.input.setAttribute("aria-invalid", "true");
    find("curl").textContent = error.message;
  }
}

function switchMode() {
  if (isForm()) {
    try {
      const body = parse(find("body").value);
      const rows = rowsOf(body);
      if (rows?.length) fill(rows);
      fillParams(body.params);
    } catch { /* the form stays as it was */ }
  } else {
    try {
      find("body").value = pretty(formBody());
    } catch { /* the text stays as it was */ }
  }
  showMode();
}

function showMode() {
  find("form").hidden = !isForm();
  find("json").hidden = isForm();
  showCurl();
}

// --- the answer ---

const shown = (text) => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}\n… and ${text.length - MAX_SHOWN} characters more` : text);
const code = (text) => el("pre", { class: "code", tabindex: "0" }, shown(text));
const plain = (value) => (typeof value === "string" ? value : pretty(value));
const isSingle = (value) => value === null || typeof value !== "object" || isRaw(value);

function asTable(values) {
  if (!Array.isArray(values) || values.length === 0 || values.length > MAX_VALUES) return null;
  if (values.every(isSingle)) {
    return el("table", { class: "values" }, el("tbody", {}, ...values.map((value, index) => line(index, [value]))));
  }
  const names = isObject(values[0]) ? Object.keys(values[0]) : [];
  const isTable = names.length && values.every((row) => isObject(row) && names.every((name) => isSingle(own(row, name) ?? null)));
  if (!isTable) return null;
  const head = el("tr", {}, el("td"), ...names.map((name) => el("th", { scope: "col" }, name)));
  const body = values.map((row, index) => line(index, names.map((name) => own(row, name) ?? null)));
  return el("table", { class: "values" }, el("thead", {}, head), el("tbody", {}, ...body));
}

const line = (index, values) =>
  el("tr", {}, el("th", { scope: "row" }, `Row ${index + 1}`), ...values.map((value) => el("td", {}, plain(value))));

function showProblem(title, message, trace) {
  const details = trace && el("details", {}, el("summary", {}, "Stack trace"), code(trace));
  find("answer").replaceChildren(el("div", { class: "problem" }, el("b", {}, title), message), ...(details ? [details] : []));
}

function showAnswer(ok, status, text) {
  let value;
  try {
    value = text.length > MAX_SHOWN ? undefined : parse(text);
  } catch { /* not JSON */ }
  if (!ok) {
    const { error_code: name, message, error, stack_trace: trace } = isObject(value) ? value : {};
    showProblem([status, name].filter(Boolean).join(" · "), message ?? error ?? shown(text), trace);
    return;
  }
  const table = asTable(isObject(value) ? value.predictions : value);
  const whole = code(value === undefined ? text : pretty(value));
  if (table) {
    find("answer").replaceChildren(el("div", { class: "scroll" }, table), el("details", {}, el("summary", {}, "As JSON"), whole));
  } else {
    find("answer").replaceChildren(whole);
  }
}

function showTiming(status, began, size) {
  const ms = performance.now() - began;
  const bytes = size < 10000 ? `${size} B` : `${(size / 1000).toFixed(0)} kB`;
  find("timing").textContent = `${status} · ${ms < 100 ? ms.toFixed(1) : ms.toFixed(0)} ms · ${bytes}`;
  find("timing").title = "From sending the request to having all of the answer, as this browser sees it";
}

// Reads the answer; one that comes in parts is shown while it does.
async function receive(answer, began) {
  const isStream = (answer.headers.get("content-type") ?? "").startsWith("text/event-stream");
  const decoder = new TextDecoder(), output = code("");
  let text = "", size = 0;
  if (isStream) find("answer").replaceChildren(output);
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
    size += value.length;
    if (isStream) output.textContent = shown(text);
    showTiming(answer.status, began, size);
  }
  showTiming(answer.status, began, size);
  if (!isStream) showAnswer(answer.ok, `${answer.status} ${answer.statusText}`.trim(), text);
}

async function ask() {
  let body;
  try {
    body = bodyText();
  } catch (error) {
    find("timing").textContent = "";
    showCurl();
    showProblem("Not sent", error.message);
    error.input?.focus();
    return;
  }
  running = new AbortController();
  find("send").textContent = "Stop";
  find("answer").setAttribute("aria-busy", "true");
  const began = performance.now();
  try {
    const headers = withKey({ "Content-Type": "application/json" });
    await receive(await fetch(scoringUrl(), { method: "POST", body, headers, signal: running.signal }), began);
  } catch (error) {
    find("timing").textContent = "";
    showProblem("No answer", error.name === "AbortError" ? "Stopped." : error.message);
  } finally {
    running = null;
    find("send").textContent = "Predict";
    find("answer").removeAttribute("aria-busy");
  }
}

// --- all of it ---

function show(api) {
  card = api["x-lading"];
  isSecured = Boolean(api.security);
  showFacts();
  const { kind, fields } = card.inputs;
  const isTable = kind.endsWith("columns") || (kind === "type hint" && fields.length === 1);
  let rows = null;
  try {
    if (isTable && card.example) rows = rowsOf(card.example);
  } catch { /* no rows */ }
  find("body").value = pretty(card.example ?? { inputs: [] });
  makeParams();
  fillParams(card.example?.params);
  if (isTable && (rows?.length || !card.example)) {
    fill(rows ?? [[]]);
  } else {
    find("ask").elements.mode.value = "json";
    find("modes").hidden = true;
    if (fields.length) find("body-label").textContent = `JSON body for ${fields.slice(0, 6).map(fieldText).join(", ")}`;
  }
  showMode();
}

find("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) running.abort();
  else ask();
});
find("ask").addEventListener("input", (event) => {
  event.target.dataset.null = "";
  if (event.target.name !== "mode") showCurl();
});
find("ask").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !running) find("ask").requestSubmit();
});
for (const mode of find("ask").elements.mode) mode.addEventListener("change", switchMode);
find("add").addEventListener("click", () => {
  addRow(lines().map((line) => { try { return read(inputsOf(line).at(-1)); } catch { return undefined; } }));
  showCurl();
});
copyable(find("copy"), find("curl"));
showState();
load(show);
