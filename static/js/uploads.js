// The files that are on their way in, on every page. They wait in the browser's own database, so that a reload, another
// page or a crash loses none; one tab at a time sends, and all of them show.
import { listen } from "./events.js";
import { forget, Refused, send } from "./sending.js";
import { toast } from "./toasts.js";
import { gettext, ngettext } from "./words.js";

const AT_ONCE = 3;
const SOON = 300;
const entries = new Map(); // id -> {id, name, size, said, url, offset, error, result, file}
const person = document.documentElement.dataset.person ?? "";
const news = new BroadcastChannel("storyloom.uploads");
const running = new Map(); // id -> AbortController
let paused = false;
let sending = false;
let began = 0;
let before = 0;
let timer = 0;

export async function start() {
  const place = document.getElementById("uploads");
  if (!place) return;
  place.addEventListener("click", act);
  news.onmessage = ({ data }) => take(data);
  listen(({ kind }) => (kind === "import.files" || kind === "job.done" || kind === "job.failed") && later());
  for (const each of await stored("readonly", (all) => all.getAll()).catch(() => [])) if (each.person === person) entries.set(each.id, { offset: 0, ...each });
  if (entries.size) later();
  draw();
  const lead = () => {
    sending = true;
    next();
    return new Promise(() => {}); // as long as this page lives
  };
  if (navigator.locks) navigator.locks.request("storyloom.uploads", lead);
  else lead();
}

// Put files in line. `said` is what holds for all of them: {licence, credit, tags}.
export async function add(files, said) {
  const fresh = [...files].map((file, at) => (
    { id: `${Date.now()}-${at}-${Math.random()}`, person, file, name: file.name, size: file.size, said, url: "", offset: 0 }
  ));
  for (const entry of fresh) entries.set(entry.id, entry);
  draw();
  const kept = await stored("readwrite", (all) => fresh.map((entry) => all.put(entry)).at(-1)).then(() => true, () => false);
  if (kept) {
    for (const entry of fresh) news.postMessage({ id: entry.id, entry });
    next();
    return;
  }
  sending = true; // what the database can't hold, this page sends itself
  addEventListener("beforeunload", (event) => open().length && event.preventDefault());
  next();
}

const open = () => [...entries.values()].filter(({ offset, size, error }) => offset < size && !error);

function take({ id, entry, gone, pause }) {
  if (pause !== undefined) halt(pause);
  else if (gone) {
    running.get(id)?.abort();
    entries.delete(id);
  } else entries.set(id, { ...entries.get(id), ...entry });
  soon();
}

function soon() {
  draw();
  next();
}

function next() {
  if (!sending || paused) return;
  for (const entry of open()) {
    if (running.size >= AT_ONCE) return;
    if (running.has(entry.id) || !entry.file) continue;
    const stop = new AbortController();
    running.set(entry.id, stop);
    if (!began) [began, before] = [Date.now(), sum("offset")];
    send(entry, document.getElementById("uploads").dataset.address, {
      signal: stop.signal,
      begun: (url) => change(entry, { url }),
      moved: (offset) => tell(entry, offset < 0 ? { waiting: true } : { offset, waiting: false }),
    })
      .then(() => change(entry, { file: null, offset: entry.size }))
      .catch((error) => {
        if (error instanceof Refused) change(entry, { error: error.message });
        else if (!stop.signal.aborted) console.warn(error);
      })
      .finally(() => {
        running.delete(entry.id);
        if (!running.size) began = 0;
        later();
        soon();
      });
  }
}

// A change that every tab shows; one that has to survive this page is kept as well.
function tell(entry, changed) {
  Object.assign(entry, changed);
  news.postMessage({ id: entry.id, entry: changed });
  draw();
}

async function change(entry, changed) {
  tell(entry, changed);
  await keep(entry);
}

function drop(entry) {
  entries.delete(entry.id);
  news.postMessage({ id: entry.id, gone: true });
  stored("readwrite", (all) => all.delete(entry.id)).catch(() => {});
}

function halt(wanted) {
  paused = wanted;
  if (paused) for (const stop of running.values()) stop.abort();
}

function act(event) {
  const button = event.target.closest("button");
  if (!button) return;
  const entry = entries.get(button.dataset.drop);
  if (button.dataset.pause !== undefined) {
    halt(!paused);
    news.postMessage({ pause: paused });
  } else if (button.dataset.again) change(entries.get(button.dataset.again), { error: "" });
  else if (entry) {
    running.get(entry.id)?.abort();
    if (entry.url && entry.offset < entry.size) forget(entry.url).catch(() => {});
    drop(entry);
  }
  soon();
}

// What became of those that arrived: from the server, a little after it said that something happened.
function later() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const arrived = [...entries.values()].filter(({ url, offset, size, result }) => url && offset >= size && !result);
    if (!arrived.length) return;
    const ids = arrived.slice(0, 500).map(({ url }) => ["id", url.split("/").at(-2)]);
    const answer = await fetch(`${document.getElementById("uploads").dataset.address}?${new URLSearchParams(ids)}`).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const told = new Map((await answer.json()).uploads.map((each) => [each.id, each]));
    let fresh = 0;
    for (const entry of arrived) {
      const there = told.get(entry.url.split("/").at(-2));
      if (!there) drop(entry); // longer ago than the server remembers
      else if (there.result?.error) change(entry, { result: there.result, error: `${there.result.error} ${there.result.next_step ?? ""}`.trim() });
      else if (there.result) {
        fresh += there.result.created ? 1 : 0;
        drop(entry);
      }
    }
    draw();
    if (fresh) document.body.dispatchEvent(new CustomEvent("uploads:added", { detail: fresh }));
    if (fresh && !entries.size) toast(ngettext("%(count)s file is in the library.", "%(count)s files are in the library.", fresh), { label: gettext("Show"), act: () => (location.href = "/library/") });
  }, SOON);
}

// Showing ----------------------------------------------------------------------------------------------------------

const sum = (name) => [...entries.values()].reduce((total, each) => total + (each.error ? 0 : each[name]), 0);

function draw() {
  const place = document.getElementById("uploads");
  const all = [...entries.values()];
  place.hidden = !all.length;
  if (!all.length) return place.replaceChildren();
  if (!place.firstChild) place.append(document.getElementById("uploads-tray").content.cloneNode(true));
  const part = (name) => place.querySelector(`[data-${name}]`);
  const [waiting, bad] = [open(), all.filter(({ error }) => error)];
  const share = sum("offset") / (sum("size") || 1);
  part("line").textContent = line(waiting, bad, all, share);
  part("all").value = share;
  part("all").hidden = part("pause").hidden = !waiting.length;
  part("pause").textContent = paused ? gettext("Go on") : gettext("Pause");
  const shown = [...bad, ...waiting].slice(0, 30);
  part("list").replaceChildren(...shown.map(row));
  part("rest").textContent = bad.length + waiting.length > shown.length ? `and ${bad.length + waiting.length - shown.length} more` : "";
}

function line(waiting, bad, all, share) {
  const files = (count) => `${count} file${count === 1 ? "" : "s"}`;
  if (!waiting.length) return bad.length ? gettext("%(files)s not added", { files: files(bad.length) }) : gettext("%(files)s here, being added", { files: files(all.length) });
  const words = [files(waiting.length), `${Math.floor(100 * share)} %`];
  const seconds = (Date.now() - began) / 1000;
  const rest = ((sum("size") - sum("offset")) * seconds) / Math.max(1, sum("offset") - before);
  if (paused) words.push("paused");
  else if (waiting.some((each) => each.waiting)) words.push(gettext("waiting for the network"));
  else if (began && seconds > 2 && rest < 1e6) words.push(rest > 90 ? gettext("%(number)s min left", { number: Math.round(rest / 60) }) : gettext("%(number)s s left", { number: Math.ceil(rest) }));
  return words.join(" · ");
}

function row(entry) {
  const item = document.getElementById("upload-row").content.cloneNode(true).firstElementChild;
  item.querySelector("[data-name]").textContent = entry.name;
  item.querySelector("[data-said]").textContent = entry.error || `${Math.floor((100 * entry.offset) / (entry.size || 1))} %`;
  item.classList.toggle("bad", Boolean(entry.error));
  const [again, away] = item.querySelectorAll("button");
  again.hidden = !entry.error || !entry.file;
  again.dataset.again = away.dataset.drop = entry.id;
  away.ariaLabel = entry.error ? gettext("Dismiss: %(name)s", { name: entry.name }) : gettext("Cancel: %(name)s", { name: entry.name });
  return item;
}

// The browser's database: one store of entries -----------------------------------------------------------------------

function stored(mode, ask) {
  return new Promise((done, failed) => {
    const asked = indexedDB.open("storyloom", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("uploads", { keyPath: "id" });
    asked.onerror = () => failed(asked.error);
    asked.onsuccess = () => {
      const database = asked.result;
      const change = database.transaction("uploads", mode);
      const answer = ask(change.objectStore("uploads"));
      change.oncomplete = () => {
        database.close();
        done(answer.result);
      };
      change.onerror = change.onabort = () => {
        database.close();
        failed(change.error);
      };
    };
  });
}

function keep(entry) {
  return stored("readwrite", (all) => all.put({ ...entry, waiting: false })).then(() => true, () => false);
}
