// The part of the page about the network as this node sees it: its contacts around the key space,
// the buckets of its routing table, a lookup call by call, and why an address is served or not.
// Loaded after page.js, whose small things it uses.
"use strict";

const STATES = [["trusted", "--green"], ["doubted", "--yellow"], ["awaited", "--sky"],
  ["silent", "--grey"]];
const CALL_COLOURS = {answered: "--green", expired: "--red", malformed: "--pink", slow: "--orange",
  open: "--grey"};
const VERDICTS = {served: "is served",
  "pinged first": "must answer a ping before it is served",
  held: "has requests that wait until it answers a ping", thinned: "is served in part",
  limited: "has had its share for now"};

const NETWORK_EVERY = 15000;  // Milliseconds between two questions.
const SECTORS = 16;           // A large table is shown by so many samples around the ring.
const PAGE_ROWS = 1000;       // The most that one answer has.
const BUCKET_PAGES = 8;

const network = {contacts: [], buckets: [], isSample: false};

// ---- The ring: where contacts lie in the key space, and this node.

// The share of the key space that lies below an id.
const placeOf = (id) => parseInt(id.slice(0, 8), 16) / 2 ** 32;

function drawRing() {
  const {context, width, height} = prepared($("ring"));
  const [x, y] = [width / 2, height / 2];
  const radius = Math.max(10, Math.min(x, y) - 16);
  const stroke = (place, from, to, name_of_colour) => {
    const angle = 2 * Math.PI * place - Math.PI / 2;
    context.strokeStyle = colour(name_of_colour);
    context.beginPath();
    context.moveTo(x + radius * from * Math.cos(angle), y + radius * from * Math.sin(angle));
    context.lineTo(x + radius * to * Math.cos(angle), y + radius * to * Math.sin(angle));
    context.stroke();
  };
  context.strokeStyle = colour("--line");
  context.beginPath();
  context.arc(x, y, radius * 0.85, 0, 2 * Math.PI);
  context.stroke();
  const colours = Object.fromEntries(STATES);
  for (const contact of network.contacts) {
    stroke(placeOf(contact.id), 0.85, 1, colours[contact.state]);
  }
  context.lineWidth = 3;
  if (page.event) stroke(placeOf(page.event.id), 0.6, 1.06, "--text");
  context.lineWidth = 1;
  context.fillStyle = colour("--quiet");
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = "11px system-ui, sans-serif";
  context.fillText("the long mark is this node", x, y);
}

function tellRing() {
  const shown = network.contacts.length;
  const items = STATES.map(([state, name_of_colour]) => {
    const mark = element("i");
    mark.style.background = colour(name_of_colour);
    const number = network.contacts.filter((contact) => contact.state === state).length;
    return element("span", {}, mark, `${state} ${count(number)}`);
  });
  if (network.isSample) items.push(element("span", {}, `a sample of ${count(shown)}`));
  $("ring-legend").replaceChildren(...items);
}

async function askContacts() {
  const first = await ask(`/v1/contacts?limit=${PAGE_ROWS}`);
  network.isSample = "next" in first;
  network.contacts = first.contacts;
  if (network.isSample) {
    const starts = Array.from({length: SECTORS}, (_, i) =>
      (i * 16 / SECTORS).toString(16).padEnd(40, "0"));
    const limit = PAGE_ROWS / 4;
    const pages = await Promise.all(starts.map((from) =>
      ask(`/v1/contacts?limit=${limit}&from=${from}`)));
    network.contacts = pages.flatMap((each) => each.contacts);
  }
  drawRing();
  tellRing();
}

// ---- The bucket map: how full the table is, by depth.

// [{depth, contacts, answerable, spares, buckets}], the farthest first.
function byDepth(buckets) {
  const rows = new Map();
  for (const bucket of buckets) {
    const row = rows.get(bucket.depth) ??
      {depth: bucket.depth, contacts: 0, answerable: 0, spares: 0, buckets: 0};
    for (const name of ["contacts", "answerable", "spares"]) row[name] += bucket[name];
    row.buckets += 1;
    rows.set(bucket.depth, row);
  }
  return [...rows.values()].sort((a, b) => a.depth - b.depth);
}

async function askBuckets() {
  let path = `/v1/buckets?limit=${PAGE_ROWS}`;
  const buckets = [];
  for (let i = 0; i < BUCKET_PAGES && path; ++i) {
    const answer = await ask(path);
    buckets.push(...answer.buckets);
    path = answer.next && `/v1/buckets?limit=${PAGE_ROWS}&from=${answer.next}`;
  }
  network.buckets = byDepth(buckets);
  const most = Math.max(1, ...network.buckets.map((row) => row.contacts));
  const number = (value) => ({text: count(value), class: "number"});
  fillTable($("buckets"), network.buckets.map((row) => [
    number(row.depth), {bar: row.answerable / most, isCount: true, text: count(row.answerable)},
    number(row.contacts), number(row.spares), number(row.buckets)]));
}

// ---- The lookup tracer: a bar for each call, from its beginning to its answer.

const CALL_HEIGHT = 14;

function drawCalls(canvas, lookup) {
  canvas.style.height = `${lookup.calls.length * CALL_HEIGHT + 24}px`;
  const {context, width} = prepared(canvas);
  const [left, right] = [40, width - 60];
  const end = Math.max(lookup.took_ms, 0.001);
  const x = (ms) => left + (right - left) * Math.min(1, ms / end);
  const y = (number) => number * CALL_HEIGHT + CALL_HEIGHT / 2;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const call of lookup.calls) {
    const ended = call.began_ms + (call.took_ms ?? end - call.began_ms);
    context.strokeStyle = colour("--line");
    context.beginPath();
    if (call.parent !== null) {
      context.moveTo(x(call.began_ms), y(call.parent));
      context.lineTo(x(call.began_ms), y(call.number));
    }
    context.stroke();
    context.fillStyle = colour(CALL_COLOURS[call.outcome]);
    context.fillRect(x(call.began_ms), y(call.number) - 4,
                     Math.max(2, x(ended) - x(call.began_ms)), 8);
    context.fillStyle = colour("--quiet");
    context.textAlign = "right";
    context.fillText(String(call.number), left - 6, y(call.number));
    context.textAlign = "left";
    context.fillText(`2^${call.distance_bits}`, right + 6, y(call.number));
  }
  context.textAlign = "left";
  context.fillText("0 ms", left, lookup.calls.length * CALL_HEIGHT + 12);
  context.textAlign = "right";
  context.fillText(duration(lookup.took_ms / 1e3), right, lookup.calls.length * CALL_HEIGHT + 12);
}

function showLookup(lookup) {
  const figure = $("trace-figure");
  const said = `${lookup.status}: ${count(lookup.calls.length)} calls in ` +
    `${duration(lookup.took_ms / 1e3)}, target ${lookup.target}`;
  setText($("trace-said"), lookup.left_out ? `${said}; ${lookup.left_out} more left out` : said);
  const canvas = element("canvas", {role: "img", "aria-label": "the calls of the lookup"});
  figure.replaceChildren(canvas);
  if (lookup.calls.length) drawCalls(canvas, lookup);
  const number = (text) => ({text, class: "number"});
  fillTable($("trace-calls"), lookup.calls.map((call) => [
    number(String(call.number)), number(call.parent === null ? "–" : String(call.parent)),
    {text: `${call.endpoint} ${call.id.slice(0, 8)}…${call.is_nearest ? " nearest" : ""}`},
    number(`2^${call.distance_bits}`), number(duration(call.began_ms / 1e3)),
    number(call.took_ms === null ? "–" : duration(call.took_ms / 1e3)),
    {text: call.outcome, class: call.outcome === "answered" ? "ok" : "warn"},
    number(count(call.named))]));
  $("trace-table").hidden = lookup.calls.length === 0;
}

// ---- Forms: one question, and its answer below.

// What the node refuses is said in its own words.
async function answered(path) {
  const answer = await fetch(path, {headers: {Accept: "application/json"}});
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail ?? `${answer.status}`);
  return body;
}

function onSubmit(form, said, path, show) {
  $(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    setText($(said), "…");
    try {
      show(await answered(path(new FormData($(form)))));
    } catch (error) {
      setText($(said), error.message);
    }
  });
}

function showExplanation(answer) {
  setText($("explain-said"), `${answer.address} ${VERDICTS[answer.verdict] ?? answer.verdict}`);
  $("explain-why").replaceChildren(...answer.because.map((why) => element("li", {}, why)));
}

async function askNetwork() {
  await askContacts();
  await askBuckets();
}

onSubmit("trace", "trace-said",
         (form) => `/v1/lookup?${form.get("by")}=${encodeURIComponent(form.get("target"))}`,
         showLookup);
onSubmit("explain", "explain-said",
         (form) => `/v1/explain?ip=${encodeURIComponent(form.get("ip"))}`, showExplanation);
new ResizeObserver(drawRing).observe($("ring"));
