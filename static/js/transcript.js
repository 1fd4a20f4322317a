// The page of a transcript: hear, find, correct words and their times, and cut by sentences.
// What is typed is kept on this device until the server has it.
import { listen } from "./events.js";
import { toast } from "./toasts.js";
import { gettext } from "./words.js";

const NUDGE = 0.02;
const AGAIN = 5000;
const TOO_LONG = 20_000;
const UNSURE = 0.4;

const root = document.querySelector("[data-transcript]");
const $ = (selector) => root.querySelector(selector);
const media = $("video, audio");
const editable = "edit" in root.dataset;
const list = $("[data-passages]");
const panel = $("[data-word]");
const held = document.getElementById("transcript-document");
const doc = held ? JSON.parse(held.textContent) : null;
const key = `storyloom.transcript.${doc?.id}`;
const leftOut = new Set();
let pending = []; // [{passage, word, base: {text, start, end}, text?, start?, end?}], the oldest first
let clash = null;
let chosen = null; // {passage, word}
let saving = false;
let timer = 0;
let found = [];
let at = -1;

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const length = (seconds) => (seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds));
const say = (text) => ($("[data-state]").textContent = text);
const parts = (passage) => (doc.passages[passage].words?.length ? doc.passages[passage].words : [doc.passages[passage]]);
const part = ({ passage, word }) => doc.passages[passage] && parts(passage)[word];
const same = (one, other) => one && other && one.text === other.text && one.start === other.start && one.end === other.end;
const button = ({ passage, word }) => list.querySelector(`[data-p="${passage}"][data-w="${word}"]`);

// What was typed here and isn't saved yet.
function typed(passage, word) {
  return pending.findLast((edit) => edit.passage === passage && edit.word === word) ?? {};
}

// Showing ----------------------------------------------------------------------------------------------------------

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function passageElement(passage) {
  const item = element("li", { className: leftOut.has(passage) ? "gone" : "" });
  item.append(element("span", { className: "time small num", textContent: clock(doc.passages[passage].start) }));
  const words = element("span");
  parts(passage).forEach((each, word) => {
    const waiting = typed(passage, word);
    const unsure = !each.corrected && each.confidence !== undefined && each.confidence < UNSURE;
    const shown = element("button", {
      type: "button",
      className: `word${unsure ? " unsure" : ""}${each.corrected ? " corrected" : ""}`,
      textContent: waiting.text || each.text,
      tabIndex: -1,
    });
    Object.assign(shown.dataset, { p: passage, w: word });
    shown.setAttribute("aria-pressed", String(chosen?.passage === passage && chosen?.word === word));
    words.append(shown, " ");
  });
  item.append(words);
  if (editable) {
    const box = element("input", { type: "checkbox", checked: leftOut.has(passage) });
    box.dataset.leave = passage;
    item.append(element("label", { className: "leave small" }, box, gettext("Leave out")));
  }
  return item;
}

function show() {
  list.replaceChildren(...doc.passages.map((_passage, number) => passageElement(number)));
  const first = (chosen && button(chosen)) ?? list.querySelector(".word");
  if (first) first.tabIndex = 0;
  find(false);
  tellCut();
}

function choose(place, { focus = false } = {}) {
  const before = list.querySelectorAll('.word[tabindex="0"], .word[aria-pressed="true"]');
  for (const each of before) {
    each.tabIndex = -1;
    each.setAttribute("aria-pressed", "false");
  }
  chosen = place;
  const shown = button(place);
  if (!shown) return;
  shown.tabIndex = 0;
  shown.setAttribute("aria-pressed", "true");
  if (focus) shown.focus();
  fill();
}

function fill() {
  const word = chosen && part(chosen);
  if (!panel || !word) return;
  panel.hidden = false;
  const waiting = typed(chosen.passage, chosen.word);
  for (const name of ["text", "start", "end"]) {
    const field = panel.elements[name];
    if (document.activeElement !== field) field.value = waiting[name] ?? word[name];
  }
  panel.querySelector("[data-times]").hidden = !doc.passages[chosen.passage].words?.length;
  const who = word.corrected;
  panel.querySelector("[data-by]").textContent = who ? gettext("Corrected by %(by)s.", { by: who.by }) : "";
}

// Hearing ----------------------------------------------------------------------------------------------------------

function jump(place) {
  if (media) media.currentTime = part(place).start;
}

function spans() {
  // As the server cuts: between two sentences that both go, all goes.
  return [...leftOut].map((number) => {
    const { start, end } = doc.passages[number];
    return [leftOut.has(number - 1) ? doc.passages[number - 1].end : start, end];
  });
}

let stopAt = null;
media?.addEventListener("timeupdate", () => {
  if (stopAt !== null && media.currentTime >= stopAt) {
    stopAt = null;
    media.pause();
  }
  if (!doc) return;
  if (!media.paused && $("[data-skip]")?.checked) {
    const gone = spans().find(([start, end]) => media.currentTime >= start && media.currentTime < end - 0.05);
    if (gone) media.currentTime = gone[1];
  }
  const words = [...list.querySelectorAll(".word")];
  const now = words.findLast((each) => part(place(each)).start <= media.currentTime + 0.05);
  for (const each of words) each.classList.toggle("now", each === now && !media.paused);
});

const place = (shown) => ({ passage: Number(shown.dataset.p), word: Number(shown.dataset.w) });

// Correcting -------------------------------------------------------------------------------------------------------

function keep() {
  if (pending.length) localStorage.setItem(key, JSON.stringify(pending));
  else localStorage.removeItem(key);
}

function correct(where, change) {
  const now = part(where);
  if (!now) return;
  const last = pending.at(-1);
  const waiting = last && !last.sent && last.passage === where.passage && last.word === where.word;
  const base = { text: now.text, start: now.start, end: now.end };
  if (waiting) Object.assign(last, change);
  else if (Object.entries(change).every(([name, value]) => now[name] === value)) return;
  else pending.push({ ...where, base, ...change });
  keep();
  say(gettext("Saving…"));
  clearTimeout(timer);
  timer = setTimeout(flush, 150);
}

async function post(said) {
  try {
    const answer = await fetch(root.dataset.act, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": document.body.dataset.csrf },
      body: JSON.stringify({ ...said, version: doc?.version }),
      redirect: "manual",
      signal: AbortSignal.timeout(TOO_LONG),
    });
    if (answer.type === "opaqueredirect" || answer.status === 403) {
      say(gettext("Signed out: your words are kept on this device"));
      return { status: 0, body: {} };
    }
    return { status: answer.status, body: await answer.json() };
  } catch {
    say(gettext("Offline: kept on this device"));
    return { status: 0, body: {} };
  }
}

async function flush() {
  if (saving || clash) return;
  saving = true;
  clearTimeout(timer);
  while (pending.length && !clash) {
    const edit = pending[0];
    edit.sent = true;
    const { passage, word, base, text, start, end } = edit;
    if (!same(part(edit), base)) {
      meet(edit);
      break;
    }
    const whole = !doc.passages[passage].words?.length;
    const { status, body } = await post({ do: "correct", passage, word: whole ? null : word, text, start, end });
    if (status === 200) {
      pending.shift();
      adopt(passage, body, base);
    } else if (status === 409) {
      Object.assign(doc, body.document);
      leftOut.clear();
      show();
      fill();
    } else if (status) {
      pending.shift();
      toast(`${body.message} ${body.next_step ?? ""}`.trim());
      fill();
    } else {
      delete edit.sent;
      timer = setTimeout(flush, AGAIN);
      break;
    }
    keep();
  }
  saving = false;
  if (!pending.length && !clash) say(gettext("Saved"));
}

// The server's answer takes the old passage's place; what waits for the same word goes on from what it is now.
function adopt(passage, { version, passage: now }, base) {
  doc.version = version;
  const focused = list.contains(document.activeElement) ? chosen : null;
  if (now === null) {
    doc.passages.splice(passage, 1);
    pending = pending.filter((edit) => edit.passage !== passage);
    for (const edit of pending) if (edit.passage > passage) edit.passage -= 1;
    const after = [...leftOut].filter((each) => each !== passage).map((each) => each - (each > passage));
    leftOut.clear();
    for (const each of after) leftOut.add(each);
    if (chosen && chosen.passage >= doc.passages.length) chosen = null;
    show();
  } else {
    doc.passages[passage] = now;
    for (const edit of pending) {
      const here = edit.passage === passage && same(edit.base, base) ? part(edit) : null;
      if (here) edit.base = { text: here.text, start: here.start, end: here.end };
    }
    const typing = list.children[passage].querySelector("input.inline");
    if (!typing) list.children[passage].replaceWith(passageElement(passage));
    find(false);
  }
  if (chosen && part(chosen)) choose(chosen, { focus: Boolean(focused) });
}

// Somebody else changed the word that was corrected here.
function meet(edit) {
  clash = edit;
  const notice = $("[data-clash]");
  const mine = edit.text ?? `${edit.start ?? edit.base.start} to ${edit.end ?? edit.base.end} s`;
  const theirs = part(edit)?.text;
  notice.querySelector("p").textContent = `You changed “${edit.base.text}” to “${mine}”. Somebody else changed the same place${theirs ? `: it is “${theirs}” now` : ""}.`;
  notice.hidden = false;
  say(gettext("Not saved"));
}

function settle(mine) {
  const edit = clash;
  clash = null;
  $("[data-clash]").hidden = true;
  const now = part(edit);
  if (mine && now) {
    edit.base = { text: now.text, start: now.start, end: now.end };
    delete edit.sent;
  } else {
    pending.shift();
  }
  keep();
  fill();
  flush();
}

function writeInline(shown) {
  const where = place(shown);
  const before = shown.textContent;
  const field = element("input", { className: "inline", value: before, size: Math.max(4, before.length + 1), maxLength: 200 });
  field.setAttribute("aria-label", gettext("Correct “%(before)s”", { before }));
  let left = false;
  const leave = (save, focus) => {
    if (left) return;
    left = true;
    const value = field.value.trim();
    shown.textContent = save && value ? value : before;
    field.replaceWith(shown);
    if (focus) shown.focus();
    if (save && value !== before) correct(where, { text: value });
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      leave(event.key === "Enter", true);
    }
  });
  field.addEventListener("blur", () => leave(true, false));
  field.addEventListener("input", () => (field.size = Math.max(4, field.value.length + 1)));
  shown.replaceWith(field);
  field.select();
}

function nudge(side, step) {
  const word = part(chosen);
  const now = typed(chosen.passage, chosen.word)[side] ?? word[side];
  correct(chosen, { [side]: Math.max(0, Math.round((now + step) * 1000) / 1000) });
  fill();
}

// Finding ----------------------------------------------------------------------------------------------------------

const bare = (text) => text.normalize("NFKD").replace(/[^\p{L}\p{N}]+/gu, "").toLowerCase();

// Words that begin with what was typed; several must follow one another, the last one may be cut short.
function find(move = true) {
  const asked = $("#find-words").value.split(/\s+/).map(bare).filter(Boolean);
  for (const each of list.querySelectorAll(".word.found")) each.classList.remove("found");
  found = [];
  if (asked.length) {
    const words = [...list.querySelectorAll(".word")];
    const texts = words.map((each) => bare(each.textContent));
    const fits = (text, word, last) => (last ? text.startsWith(word) : text === word);
    words.forEach((_word, start) => {
      if (asked.every((word, step) => texts[start + step] !== undefined && fits(texts[start + step], word, step === asked.length - 1))) {
        found.push(words.slice(start, start + asked.length));
      }
    });
    for (const hit of found) for (const each of hit) each.classList.add("found");
  }
  at = found.length ? Math.min(Math.max(at, 0), found.length - 1) : -1;
  tellFound(asked.length > 0);
  if (move && found.length) go(0);
}

function tellFound(asked) {
  $("[data-found]").textContent = asked ? (found.length ? `${at + 1} of ${found.length}` : gettext("None")) : "";
}

function go(step) {
  if (!found.length) return;
  at = (at + step + found.length) % found.length;
  const [first] = found[at];
  first.scrollIntoView({ block: "center" });
  choose(place(first));
  jump(place(first));
  tellFound(true);
}

// Cutting ----------------------------------------------------------------------------------------------------------

function tellCut() {
  const bar = $("[data-cut]");
  if (!bar) return;
  bar.hidden = leftOut.size === 0;
  const gone = spans().reduce((sum, [start, end]) => sum + end - start, 0);
  $("[data-cut-says]").textContent = gettext("%(left)s of %(all)s left out, about %(gone)s of %(length)s.", { left: leftOut.size, all: doc.passages.length, gone: length(gone), length: length(doc.seconds) });
}

async function askFor(said, waiting) {
  if (doc) await flush();
  const { status, body } = await post(said);
  if (status === 409) {
    Object.assign(doc, body.document);
    leftOut.clear();
    show();
  }
  if (status !== 200) {
    if (status) toast(`${body.message} ${body.next_step ?? ""}`.trim());
    return;
  }
  say(waiting);
  const ends = listen((event) => {
    if (event.job !== body.job) return;
    if (event.kind === "asset.cut") {
      toast(gettext("The cut is in the library."), { label: gettext("Look at it"), act: () => location.assign(`/library/${event.data.asset}/`), seconds: 60 });
      say(gettext("Cut"));
    } else if (event.kind === "job.done") {
      ends();
      if (said.do === "transcribe") location.reload();
    } else if (["job.failed", "job.parked", "job.cancelled"].includes(event.kind)) {
      ends();
      say("");
      toast(`${event.data.error ?? gettext("It was cancelled.")} ${event.data.next_step ?? ""}`.trim(), { seconds: 20 });
    }
  });
}

// ------------------------------------------------------------------------------------------------------------------

function step(by) {
  const words = [...list.querySelectorAll(".word")];
  const now = words.indexOf(button(chosen));
  const next = words[Math.min(Math.max(now + by, 0), words.length - 1)];
  if (next) choose(place(next), { focus: true });
}

function onKey(event) {
  const shown = event.target.closest(".word");
  if (!shown) return;
  choose(place(shown));
  const forward = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (event.altKey && forward && editable && doc.passages[chosen.passage].words?.length) nudge(event.shiftKey ? "end" : "start", forward * NUDGE);
  else if (forward && !event.altKey && !event.ctrlKey && !event.metaKey) step(forward);
  else if (event.key === "Enter" && editable) writeInline(shown);
  else if (event.key === "Delete" && editable) correct(chosen, { text: "" });
  else return;
  event.preventDefault();
}

function start() {
  pending = editable ? JSON.parse(localStorage.getItem(key) ?? "[]").map(({ sent: _sent, ...edit }) => edit) : [];
  show();
  list.addEventListener("click", (event) => {
    const shown = event.target.closest(".word");
    if (!shown) return;
    choose(place(shown), { focus: true });
    jump(chosen);
  });
  list.addEventListener("dblclick", (event) => {
    const shown = event.target.closest(".word");
    if (shown && editable) writeInline(shown);
  });
  list.addEventListener("keydown", onKey);
  list.addEventListener("change", (event) => {
    const number = Number(event.target.dataset.leave);
    if (Number.isNaN(number)) return;
    if (event.target.checked) leftOut.add(number);
    else leftOut.delete(number);
    event.target.closest("li").classList.toggle("gone", event.target.checked);
    tellCut();
  });
  $("#find-words").addEventListener("input", () => {
    at = 0;
    find();
  });
  $("#find-words").addEventListener("keydown", (event) => {
    if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") button(chosen ?? { passage: 0, word: 0 })?.focus();
  });
  for (const each of root.querySelectorAll("[data-find]")) each.addEventListener("click", () => go(Number(each.dataset.find)));
  addEventListener("keydown", (event) => {
    const box = $("#find-words");
    if (event.key.toLowerCase() !== "f" || !(event.ctrlKey || event.metaKey) || document.activeElement === box) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
  if (!editable) return;
  for (const name of ["text", "start", "end"]) {
    panel.elements[name].addEventListener("change", ({ target }) => {
      const value = name === "text" ? target.value.trim() : Number.parseFloat(target.value);
      if (value !== "" && !Number.isNaN(value)) correct(chosen, { [name]: value });
    });
  }
  panel.addEventListener("submit", (event) => {
    event.preventDefault();
    button(chosen)?.focus();
  });
  panel.querySelector("[data-hear]").addEventListener("click", () => {
    jump(chosen);
    stopAt = part(chosen).end;
    media?.play().catch(() => {}); // no codec or no leave to play
  });
  panel.querySelector("[data-remove]").addEventListener("click", () => correct(chosen, { text: "" }));
  $("[data-mine]").addEventListener("click", () => settle(true));
  $("[data-theirs]").addEventListener("click", () => settle(false));
  $("[data-cut]").addEventListener("submit", (event) => {
    event.preventDefault();
    askFor({ do: "cut", leave_out: [...leftOut] }, gettext("Cutting; it will stand in the library"));
  });
  $("[data-none]").addEventListener("click", () => {
    leftOut.clear();
    show();
  });
  addEventListener("online", flush);
  flush();
}

if (doc) start();
$("[data-again]")?.addEventListener("click", () => askFor({ do: "transcribe" }, gettext("Listening…")));
