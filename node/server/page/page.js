// The page of a node (docs/ADMIN.md, "The page"). It draws what GET /v1/events sends each second
// and GET /v1/history remembers, and asks no other host. Texts of peers and of the log are only
// ever set as text, never as markup.
"use strict";

const METHODS = [["requests_ping", "ping", "--sky"], ["requests_find_node", "find_node", "--blue"],
  ["requests_find_value", "find_value", "--green"], ["requests_store", "store", "--orange"],
  ["requests_stun", "stun", "--pink"]];
const OUTCOMES = [["calls_answered", "answered", "--green"],
  ["calls_expired", "expired", "--orange"], ["calls_malformed", "malformed", "--pink"],
  ["calls_no_slot", "no free slot", "--red"]];
const COMMITS = [["commits_100us", "0.1 ms"], ["commits_250us", "0.25 ms"],
  ["commits_500us", "0.5 ms"], ["commits_1ms", "1 ms"], ["commits_2500us", "2.5 ms"],
  ["commits_5ms", "5 ms"], ["commits_10ms", "10 ms"], ["commits_25ms", "25 ms"],
  ["commits_100ms", "100 ms"], ["commits_250ms", "250 ms"], ["commits_1s", "1 s"],
  ["commits_5s", "5 s"], ["commits_longer", "longer"]];

const HOUR_EVERY = 10000;  // Milliseconds between two questions, as the following.
const DAY_EVERY = 60000;
const TABLES_EVERY = 5000;
const POLL_EVERY = 5000;   // Where the stream of events is refused.
const LOG_LINES = 200;

const page = {event: null, minute: {}, lines: [], source: null, timers: []};

// ---- Small things.

const $ = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

async function ask(path) {
  const answer = await fetch(path, {headers: {Accept: "application/json"}});
  if (!answer.ok && answer.status !== 503) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

const isKnown = (value) => value !== null && value !== undefined;
const sum = (values) => values.reduce((all, value) => all + (value ?? 0), 0);

// "1,234", "12.3 k": at most four digits.
function count(value) {
  if (!isKnown(value)) return "–";
  if (value < 10 && !Number.isInteger(value)) return value.toFixed(value < 1 ? 2 : 1);
  if (value < 100000) return Math.round(value).toLocaleString("en");
  return value < 1e6 ? `${Math.round(value / 1e3)} k` : `${(value / 1e6).toFixed(2)} M`;
}
function bytes(value) {
  if (!isKnown(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; ++unit) value /= 1024;
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
function duration(seconds) {
  if (!isKnown(seconds)) return "–";
  if (seconds === 0) return "0 ms";
  if (seconds < 0.01) return `${(seconds * 1e3).toPrecision(2)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 120) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}
const percent = (share) => isKnown(share) && !Number.isNaN(share)
  ? `${(share * 100).toFixed(share < 0.995 ? 1 : 0)} %` : "–";
const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A canvas of as many pixels as the screen has there, and its context in CSS pixels.
function prepared(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return {context, width, height};
}

// A round number that is at least `value`; of bytes, a round number of their unit.
function ceiling(value, format) {
  if (!(value > 0)) return 1;
  if (format === bytes && value >= 1024) return ceiling(value / 1024, format) * 1024;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].find((each) => each * power >= value * 0.999) * power;
}

// ---- Charts. Of history {end_s, step_s, points, series}; a kind draws its values into a frame.

const LEFT = 58, BOTTOM = 18, TOP = 6;

class Chart {
  // spec: {title, kind, series: [[name, label, colour]], format, marks, limit}
  constructor(parent, spec) {
    this.spec = spec;
    this.canvas = element("canvas", {tabindex: "0", role: "img", "aria-label": spec.title});
    this.legend = element("p", {class: "legend"});
    parent.append(element("figure", {}, element("figcaption", {}, spec.title), this.canvas,
                          this.legend));
    this.at = null;  // The point that is pointed at.
    this.canvas.addEventListener("pointermove", (event) => this.point(event.offsetX));
    this.canvas.addEventListener("pointerleave", () => this.pointAt(null));
    this.canvas.addEventListener("blur", () => this.pointAt(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  names() {
    const names = this.spec.series.map(([name]) => name);
    return this.spec.marks ? [...names, this.spec.marks] : names;
  }
  show(history) {
    this.history = history;
    this.draw();
  }
  values(name) {
    return this.history.series[name] ?? [];
  }
  point(x) {
    const {points} = this.history ?? {points: 0};
    const share = (x - LEFT) / (this.canvas.clientWidth - LEFT);
    this.pointAt(points && share >= 0 ? Math.min(points - 1, Math.floor(share * points)) : null);
  }
  pointAt(at) {
    this.at = at;
    this.draw();
  }
  key(event) {
    const move = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10}[event.key];
    if (!move || !this.history?.points) return;
    event.preventDefault();
    const last = this.history.points - 1;
    this.pointAt(Math.max(0, Math.min(last, (this.at ?? last) + move)));
  }

  draw() {
    if (!this.history || !this.canvas.clientWidth) return;
    const drawing = prepared(this.canvas);
    this.context = drawing.context;
    this.context.font = "11px system-ui, sans-serif";
    this.plot = {left: LEFT, top: TOP, width: drawing.width - LEFT,
                 height: drawing.height - TOP - BOTTOM};
    this[this.spec.kind]();
    if (this.spec.marks) this.drawMarks();
    this.drawTimes();
    this.drawPointer();
    this.tell();
  }
  x(index) {
    return this.plot.left + this.plot.width * index / Math.max(1, this.history.points);
  }
  // Lines across at `levels`, [height share from the bottom, text].
  drawLevels(levels) {
    const {context, plot} = this;
    context.strokeStyle = colour("--line");
    context.fillStyle = colour("--quiet");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const [share, text] of levels) {
      const y = plot.top + plot.height * (1 - share);
      context.beginPath();
      context.moveTo(plot.left, Math.round(y) + 0.5);
      context.lineTo(plot.left + plot.width, Math.round(y) + 0.5);
      context.stroke();
      context.fillText(text, plot.left - 6, Math.max(y, 8));
    }
  }
  drawTimes() {
    const {context, plot, history} = this;
    context.fillStyle = colour("--quiet");
    if (!history.points) {
      context.textAlign = "center";
      context.fillText("nothing yet", plot.left + plot.width / 2, plot.top + plot.height / 2);
      return;
    }
    const begin = history.end_s - history.points * history.step_s;
    const texts = plot.width > 260 ? 4 : 2;
    context.textBaseline = "bottom";
    for (let i = 0; i <= texts; ++i) {
      context.textAlign = i === 0 ? "left" : i === texts ? "right" : "center";
      const at = begin + (history.end_s - begin) * i / texts;
      context.fillText(time(at).slice(0, 5), plot.left + plot.width * i / texts,
                       plot.top + plot.height + BOTTOM);
    }
  }
  drawPointer() {
    if (this.at === null) return;
    const {context, plot} = this;
    context.strokeStyle = colour("--text");
    context.beginPath();
    const x = Math.round(this.x(this.at + 0.5)) + 0.5;
    context.moveTo(x, plot.top);
    context.lineTo(x, plot.top + plot.height);
    context.stroke();
  }
  // The legend, with the values pointed at or else the last.
  tell() {
    const at = this.at ?? this.history.points - 1;
    const items = this.spec.series.map(([name, label, name_of_colour]) => {
      const mark = element("i");
      if (name_of_colour) mark.style.background = colour(name_of_colour);
      return element("span", {}, mark, `${label} ${this.spec.format(this.values(name)[at])}`);
    });
    const when = this.history.end_s - (this.history.points - at) * this.history.step_s;
    if (this.at !== null) items.unshift(element("span", {}, time(when)));
    if (this.spec.kind === "heat") this.tellHeat(at, items);
    this.legend.replaceChildren(...items);
  }
  tellHeat(at, items) {
    items.splice(this.at === null ? 0 : 1);
    const rows = this.spec.series.filter(([name]) => this.values(name)[at] > 0);
    const texts = rows.map(([name, label]) =>
      `${label}: ${this.spec.format(this.values(name)[at])}`);
    items.push(element("span", {}, texts.join(", ") || "no commit"));
  }

  // An area between two arrays of shares of the height.
  area(low, high, name_of_colour) {
    const {context, plot} = this;
    const y = (share) => plot.top + plot.height * (1 - share);
    context.fillStyle = colour(name_of_colour);
    context.beginPath();
    high.forEach((share, i) => {
      context.lineTo(this.x(i), y(share));
      context.lineTo(this.x(i + 1), y(share));
    });
    for (let i = low.length - 1; i >= 0; --i) {
      context.lineTo(this.x(i + 1), y(low[i]));
      context.lineTo(this.x(i), y(low[i]));
    }
    context.fill();
  }
  // The sums of the first 0, 1, ... series.
  stacked() {
    const sums = [new Array(this.history.points).fill(0)];
    for (const [name] of this.spec.series) {
      const values = this.values(name);
      sums.push(sums.at(-1).map((below, i) => below + (values[i] ?? 0)));
    }
    return sums;
  }

  stack() {
    const sums = this.stacked();
    const most = ceiling(Math.max(0, ...sums.at(-1)), this.spec.format);
    this.drawLevels([[0, "0"], [0.5, this.spec.format(most / 2)], [1, this.spec.format(most)]]);
    this.spec.series.forEach(([, , name_of_colour], i) => {
      const share = (values) => values.map((value) => value / most);
      this.area(share(sums[i]), share(sums[i + 1]), name_of_colour);
    });
  }
  shares() {
    const sums = this.stacked();
    const all = sums.at(-1);
    this.drawLevels([[0, "0 %"], [0.5, "50 %"], [1, "100 %"]]);
    this.spec.series.forEach(([, , name_of_colour], i) => {
      const share = (values) => values.map((value, at) => all[at] > 0 ? value / all[at] : 0);
      this.area(share(sums[i]), share(sums[i + 1]), name_of_colour);
    });
  }
  mirror() {
    const [up, down] = this.spec.series.map(([name]) => this.values(name).map((v) => v ?? 0));
    const most = ceiling(Math.max(0, ...up, ...down), this.spec.format);
    const text = this.spec.format(most);
    this.drawLevels([[0, text], [0.5, "0"], [1, text]]);
    const zero = up.map(() => 0.5);
    this.area(zero, up.map((value) => 0.5 + value / most / 2), this.spec.series[0][2]);
    this.area(down.map((value) => 0.5 - value / most / 2), zero, this.spec.series[1][2]);
  }
  lines() {
    const known = this.spec.series.flatMap(([name]) => this.values(name).filter(isKnown));
    const limit = this.spec.limit?.() ?? 0;
    const most = ceiling(Math.max(0, ...known), this.spec.format);
    this.drawLevels([[0, "0"], [0.5, this.spec.format(most / 2)], [1, this.spec.format(most)]]);
    if (limit > 0 && limit <= most) this.drawLevels([[limit / most, "limit"]]);
    for (const [name, , name_of_colour] of this.spec.series) {
      this.line(this.values(name).map((value) => isKnown(value) ? value / most : null),
                name_of_colour);
    }
  }
  logarithmic() {
    const [least, most] = this.spec.range;
    const decades = Math.log10(most / least);
    const share = (value) => Math.max(0, Math.min(1, Math.log10(value / least) / decades));
    const levels = [];
    for (let value = least; value <= most * 1.01; value *= 10) {
      levels.push([share(value), this.spec.format(value)]);
    }
    this.drawLevels(levels);
    for (const [name, , name_of_colour] of this.spec.series) {
      this.line(this.values(name).map((value) => value > 0 ? share(value) : null), name_of_colour);
    }
  }
  // What is not known is a gap.
  line(shares, name_of_colour) {
    const {context, plot} = this;
    context.strokeStyle = colour(name_of_colour);
    context.lineWidth = 1.5;
    context.beginPath();
    shares.forEach((share, i) => {
      if (share === null) return;
      const y = plot.top + plot.height * (1 - share);
      if (i === 0 || shares[i - 1] === null) context.moveTo(this.x(i), y);
      context.lineTo(this.x(i), y);
      context.lineTo(this.x(i + 1), y);
    });
    context.stroke();
    context.lineWidth = 1;
  }
  heat() {
    const {context, plot, history} = this;
    const rows = this.spec.series.length;
    const most = Math.max(0, ...this.spec.series.flatMap(([name]) => this.values(name)));
    this.drawLevels([0, 3, 6, 9, 11].map((row) => [(row + 0.5) / rows, this.spec.series[row][1]]));
    context.fillStyle = colour("--blue");
    this.spec.series.forEach(([name], row) => {
      const y = plot.top + plot.height * (1 - (row + 1) / rows);
      this.values(name).forEach((value, i) => {
        if (!(value > 0)) return;
        context.globalAlpha = 0.15 + 0.85 * Math.log1p(value) / Math.log1p(most);
        const width = Math.max(1, plot.width / Math.max(1, history.points));
        context.fillRect(this.x(i), y, width, plot.height / rows);
      });
    });
    context.globalAlpha = 1;
  }
  drawMarks() {
    const {context, plot} = this;
    context.fillStyle = colour("--red");
    this.values(this.spec.marks).forEach((value, i) => {
      if (value > 0) context.fillRect(this.x(i), plot.top + plot.height - 6, 2, 8);
    });
  }
}

// ---- Tiles: a figure of this second and its last minute.

class Tile {
  // value(series): the number; text(number, event); isBad(number, event).
  constructor(title, value, text, isBad = () => false) {
    Object.assign(this, {value, text, isBad});
    this.number = element("p");
    this.canvas = element("canvas", {"aria-hidden": "true"});
    this.root = element("div", {class: "tile"}, element("h3", {}, title), this.number, this.canvas);
    $("tiles").append(this.root);
  }
  show(event) {
    const now = this.value(event.series, event);
    const [text, more] = this.text(now, event);
    const shown = `${text} ${more ?? ""}`;
    if (this.number.textContent !== shown) {
      this.number.replaceChildren(text, " ", element("small", {}, more ?? ""));
    }
    this.root.classList.toggle("bad", this.isBad(now, event));
    this.draw();
  }
  draw() {
    const {context, width, height} = prepared(this.canvas);
    const names = Object.keys(page.minute);
    const length = Math.max(0, ...names.map((name) => page.minute[name].length));
    const values = [];
    for (let i = 0; i < length; ++i) {
      const at = Object.fromEntries(names.map((name) => [name, page.minute[name][i] ?? null]));
      values.push(this.value(at, page.event));
    }
    const known = values.filter((value) => isKnown(value) && !Number.isNaN(value));
    const most = Math.max(...known, 1e-9), least = Math.min(...known, most) > most / 2
      ? most / 2 : 0;
    context.strokeStyle = colour("--blue");
    context.lineWidth = 1.5;
    context.beginPath();
    let isDown = false;
    values.forEach((value, i) => {
      const isGap = !isKnown(value) || Number.isNaN(value);
      const x = width * (60 - length + i) / 59;
      const y = height - 2 - (height - 4) * (value - least) / (most - least);
      if (!isGap) isDown ? context.lineTo(x, y) : context.moveTo(x, y);
      isDown = !isGap;
    });
    context.stroke();
  }
}

function makeTiles() {
  const answered = (s) => {
    const all = sum(OUTCOMES.slice(0, 3).map(([name]) => s[name]));
    return all > 0 ? s.calls_answered / all : null;
  };
  const requests = (s) => isKnown(s.requests_ping) ? sum(METHODS.map(([name]) => s[name])) : null;
  return [
    new Tile("requests/s", requests, (v) => [count(v)]),
    new Tile("calls answered", answered, (v) => [percent(v)], (v) => isKnown(v) && v < 0.5),
    new Tile("kernel drops/s", (s) => s.kernel_drops,
             (v, e) => [count(v), `${count(e.totals.kernel_drops)} in all`], (v) => v > 0),
    new Tile("contacts that answer", (s) => s.contacts_answerable,
             (v, e) => [count(v), `of ${count(e.series.contacts)}`]),
    new Tile("network size, about", (s) => s.network_size, (v) => [count(v)]),
    new Tile("records", (s) => s.records,
             (v, e) => [count(v), `${percent(v / e.limits.records)} of the limit`],
             (v, e) => v > e.limits.records * 0.9),
    new Tile("free disk", (s) => s.disk_free_bytes,
             (v, e) => [bytes(v), e.limits.disk_bytes ? percent(v / e.limits.disk_bytes) : ""],
             (v, e) => isKnown(v) && (v < 2 ** 30 || v < 0.05 * e.limits.disk_bytes)),
    new Tile("commits, p99", (s) => s.commit_p99_s, (v) => [duration(v)], (v) => v > 0.25)];
}

function makeCharts() {
  const limit = (name) => () => page.event?.limits[name];
  const hour = [
    new Chart($("traffic"), {title: "requests a second, by method; red: drops by the kernel",
                             kind: "stack", series: METHODS, format: count, marks: "kernel_drops"}),
    new Chart($("traffic"), {title: "bytes a second: in above, out below", kind: "mirror",
      series: [["received_bytes", "in", "--blue"], ["sent_bytes", "out", "--orange"]],
      format: bytes}),
    new Chart($("calls"), {title: "what became of them", kind: "shares", series: OUTCOMES,
                           format: (v) => isKnown(v) ? `${count(v)}/s` : "–"}),
    new Chart($("calls"), {title: "round trips", kind: "logarithmic", range: [0.0001, 10],
      series: [["call_p50_s", "half within", "--blue"], ["call_p95_s", "95 % within", "--red"]],
      format: duration}),
    new Chart($("disk"), {title: "commits, by how long they took", kind: "heat", series: COMMITS,
                          format: (v) => `${count(v)}/s`}),
    new Chart($("disk"), {title: "bytes written a second", kind: "stack", format: bytes,
      series: [["bytes_logged", "log", "--blue"], ["bytes_flushed", "flushes", "--green"],
               ["bytes_compacted", "compactions", "--orange"]]})];
  const day = [
    new Chart($("records"), {title: "records, 24 h", kind: "lines", format: count,
      series: [["records", "records", "--blue"]], limit: limit("records")}),
    new Chart($("records"), {title: "tables on disk, 24 h", kind: "lines", format: bytes,
      series: [["table_bytes", "tables", "--green"]], limit: limit("storage_bytes")})];
  return {hour, day};
}

// ---- What is shown of an event.

function showStrip(event) {
  $("word").dataset.state = event.state;
  setText($("word"), event.state);
  const s = event.series;
  const reasons = event.reasons.map((each) => `${each.name}: ${each.detail}`).join("; ");
  const good = `${count(s.contacts_answerable)} of ${count(s.contacts)} contacts answer, ` +
    `${count(s.records)} records, storage ${event.storage_state}`;
  setText($("reason"), reasons || good);
  setText($("id"), event.id);
  setText($("version"), event.version);
  setText($("uptime"), duration(event.uptime_s));
  setText($("io"), event.io);
  setText($("shard-count"), String(event.shards.length));
  document.title = `xord: ${event.state}`;
}

// As many rows as `rows` has, each with as many cells; rows stay, so that a reader keeps its place.
function fillTable(table, rows) {
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, i) => {
    const row = body.rows[i] ?? body.insertRow();
    cells.forEach((cell, column) => {
      const at = row.cells[column] ?? row.insertCell();
      at.className = cell.class ?? (cell.bar === undefined ? "" : "share");
      if (cell.bar === undefined) return setText(at, cell.text);
      if (!at.firstChild) at.append(element("span", {class: "bar"}, element("b")), element("span"));
      at.firstChild.className = cell.bar > 0.8 && !cell.isCount ? "bar high" : "bar";
      at.firstChild.firstChild.style.width = `${Math.min(100, cell.bar * 100)}%`;
      setText(at.lastChild, cell.text);
    });
  });
}

function showShards(event) {
  const number = (text) => ({text, class: "number"});
  fillTable($("shards"), event.shards.map((shard, i) => [
    {text: String(i)}, {bar: shard.busy, text: percent(shard.busy)}, number(count(shard.requests)),
    number(count(shard.records)), number(count(shard.queue)), number(duration(shard.turn_s))]));
}

function addLines(lines) {
  const last = page.lines.at(-1)?.number ?? 0;
  page.lines.push(...lines.filter((line) => line.number > last));
  page.lines.splice(0, page.lines.length - LOG_LINES);
  if (lines.length) showLog();
}

function showLog() {
  const levels = ["debug", "info", "warning", "error"];
  const least = levels.indexOf($("level").value);
  const list = $("log");
  const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
  list.replaceChildren(...page.lines.filter((line) => levels.indexOf(line.level) >= least)
    .map((line) => {
      const fields = Object.entries(line.fields).map(([name, value]) =>
        `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
      return element("li", {}, `${time(line.time_s)} `,
                     element("span", {class: line.level}, line.level), ` ${line.message} `,
                     element("span", {class: "quiet"}, fields.join(" ")));
    }));
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

function show(event) {
  page.event = event;
  for (const [name, value] of Object.entries(event.series)) {
    const values = page.minute[name] ??= [];
    values.push(value);
    values.splice(0, values.length - 60);
  }
  showStrip(event);
  for (const tile of page.tiles) tile.show(event);
  showShards(event);
  addLines(event.log);
}

// ---- What is asked now and then.

async function askHistory(span, charts) {
  const names = [...new Set(charts.flatMap((chart) => chart.names()))];
  const history = await ask(`/v1/history?span=${span}&series=${names.join(",")}`);
  for (const chart of charts) chart.show(history);
}

async function askHealth() {
  const health = await ask("/readyz");
  fillTable($("health"), health.checks.map((each) => [
    {text: each.name}, {text: each.status, class: each.status}, {text: each.detail},
    {text: duration(each.since_s), class: "number"}]));
}

// The limit of which a prefix has used the greatest share.
function worst(row) {
  const used = row.limits.map((each) => ({...each, charged: row.charged[each.limit],
                                          share: row.charged[each.limit] / each.most}));
  return used.reduce((a, b) => b.share > a.share ? b : a);
}

async function askLimits() {
  const limits = await ask("/v1/limits");
  fillTable($("limits"), limits.prefixes.map((row) => {
    const limit = worst(row);
    return [{text: row.prefix},
            {bar: limit.share, text: `${percent(limit.share)} of ${limit.limit}`},
            {text: count(sum(row.limits.map((each) => each.refused))), class: "number"}];
  }));
  const none = limits.prefixes.length ? "" : "Nothing is charged at present.";
  setText($("limits-none"), `Limits are ${limits.limits}. ${none}`);
}

async function askStatus() {
  const status = await ask("/v1/status");
  setText($("endpoints"), status.endpoints.join(", "));
  setText($("networks"), status.networks.map((each) => each.name).join(", "));
}

function complain(text) {
  $("notice").hidden = !text;
  setText($("notice"), text);
}

// Calls `what` now and then; a failure is said once, and the next call follows all the same.
function repeat(what, every) {
  const call = () => what().catch((error) =>
    complain(`The node does not answer: ${error.message}`));
  call();
  page.timers.push(setInterval(call, every));
}

// ---- The stream of events, or, where it is refused, the history each few seconds.

function listen() {
  page.source?.close();
  const source = page.source = new EventSource("/v1/events");
  source.onmessage = (message) => {
    complain("");
    show(JSON.parse(message.data));
  };
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return complain("The node does not answer.");
    complain("The node has as many readers as it serves: this page asks every five seconds.");
    page.timers.push(setTimeout(listen, POLL_EVERY));
    poll().catch(() => complain("The node does not answer."));
  };
}

async function poll() {
  const [status, history] = await Promise.all([ask("/v1/status"), ask("/v1/history?span=minute")]);
  page.minute = history.series;
  const last = Object.fromEntries(Object.entries(history.series).map(([n, v]) => [n, v.at(-1)]));
  if (page.event) show({...page.event, state: status.state, uptime_s: status.uptime_s,
                        series: last, log: []});
}

async function begin() {
  repeat(askStatus, TABLES_EVERY * 12);
  repeat(() => askHistory("hour", page.charts.hour), HOUR_EVERY);
  repeat(() => askHistory("day", page.charts.day), DAY_EVERY);
  repeat(askHealth, TABLES_EVERY);
  repeat(askLimits, TABLES_EVERY);
  repeat(askNetwork, NETWORK_EVERY);
  try {
    page.minute = (await ask("/v1/history?span=minute")).series;
    addLines((await ask("/v1/log")).lines);
  } catch (error) {
    complain(`The node does not answer: ${error.message}`);
  }
  if (!document.hidden) listen();
}

function end() {
  page.source?.close();
  for (const timer of page.timers.splice(0)) clearTimeout(timer);
}

page.tiles = makeTiles();
page.charts = makeCharts();
$("level").addEventListener("change", showLog);
$("copy").addEventListener("click", () => {
  navigator.clipboard?.writeText($("id").textContent);
  setText($("copy"), "Copied");
  setTimeout(() => setText($("copy"), "Copy"), 2000);
});
document.addEventListener("visibilitychange", () => {
  end();
  if (!document.hidden) begin();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of [...page.charts.hour, ...page.charts.day]) chart.draw();
  drawRing();
});
addEventListener("load", begin);  // When network.js is there, too.
