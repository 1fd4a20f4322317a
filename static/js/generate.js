// The drawer that makes things from words, over any page. What is typed in it stays while the tab is open.
import { listen } from "./events.js";
import { single, typing } from "./shortcuts.js";
import { toast } from "./toasts.js";
import { gettext } from "./words.js";

const KEY = "storyloom.generate";
const dialog = document.getElementById("generate");
let shown = null; // the address of the pictures that stand in the drawer, and their job's number

export function start() {
  if (!dialog) return;
  document.addEventListener("click", (event) => event.target.closest("[data-generate]") && open());
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "g" || !single(event)) return;
    event.preventDefault();
    open();
  });
  dialog.addEventListener("click", click);
  dialog.addEventListener("submit", submit);
  dialog.addEventListener("keydown", keys);
  dialog.addEventListener("input", ({ target }) => target.id === "generate-words" && sessionStorage.setItem(KEY, target.value));
  listen(({ job, kind, data }) => {
    if (!shown || job !== shown.job) return;
    if (kind === "job.progress") say("drawing", `${Math.round(100 * data.progress)} %`);
    else if (kind !== "job.waiting") look();
  });
}

async function open() {
  const chosen = selected();
  if (dialog.open) return;
  const answer = await fetch(dialog.dataset.address).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    toast(gettext("The drawer didn't open. Try again."));
    return;
  }
  dialog.innerHTML = await answer.text();
  const words = dialog.querySelector("#generate-words");
  words.value = chosen || sessionStorage.getItem(KEY) || "";
  dialog.querySelector("#generate-said")?.append(chosen.slice(0, 300));
  dialog.showModal();
  words.focus();
  if (shown) look();
}

// Words that are marked on the page, or in a field.
function selected() {
  const field = document.activeElement;
  const marked = field?.selectionStart === undefined ? String(getSelection()) : field.value?.slice(field.selectionStart, field.selectionEnd);
  return (marked ?? "").trim().slice(0, 1000);
}

const part = (name) => dialog.querySelector(`[data-${name}]`);
const say = (name, text) => part(name) && (part(name).textContent = text);

async function submit(event) {
  const form = event.target;
  if (form.method === "post") return; // a story: the page of its own follows
  event.preventDefault();
  const said = new FormData(form);
  if (form.matches("[data-draw]")) await draw(form.action, said);
  else await hear(form, new URLSearchParams(said));
}

async function draw(address, said) {
  say("drawing", gettext("Asking…"));
  const headers = { "X-CSRFToken": document.body.dataset.csrf };
  const answer = await fetch(address, { method: "POST", body: said, headers }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  if (!answer?.ok) {
    say("drawing", told ? `${told.message} ${told.next_step}` : gettext("That didn't reach the server. Try again."));
    return;
  }
  shown = { job: told.job, address: told.drawn };
  say("drawing", gettext("Drawing…"));
  await look();
}

async function look() {
  const answer = await fetch(shown.address).catch(() => null);
  if (!answer?.ok || answer.redirected || !part("drawn")) return;
  part("drawn").innerHTML = await answer.text();
  if (part("pick") || dialog.querySelector("[role=alert]")) say("drawing", "");
}

async function hear(form, said) {
  say("heard", gettext("Speaking…"));
  const answer = await fetch(`${form.action}?${said}`).catch(() => null);
  say("heard", answer?.ok ? "" : gettext("This voice can't read that. Try another language or voice."));
  if (!answer?.ok) return;
  const sound = form.querySelector("audio");
  sound.src = part("save").href = URL.createObjectURL(await answer.blob());
  sound.hidden = part("save").hidden = false;
  sound.play().catch(() => {});
}

function click(event) {
  const at = (selector) => event.target.closest(selector);
  if (event.target === dialog || at("[data-close]")) dialog.close();
  else if (at("[role=tab]")) tab(at("[role=tab]"));
  else if (at("[data-pick]")) pick(at("[data-pick]"));
  else if (at("[data-use]")) use();
  else if (at("[data-redraw]")) again();
  else if (at("[data-earlier]")) {
    shown = { address: at("[data-earlier]").dataset.earlier };
    look();
  } else if (at("[data-transcribe]")) transcribe(at("[data-transcribe]"));
}

function keys(event) {
  const tabs = event.target.closest("[role=tablist]");
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (tabs && step) {
    const all = [...tabs.children];
    tab(all.at((all.indexOf(event.target) + step) % all.length));
    return;
  }
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = [...dialog.querySelectorAll("[data-pick]")];
  if (event.key === "Enter" && event.target.matches("[data-pick][aria-pressed=true]")) use();
  else if (document.documentElement.dataset.keys === "off") return;
  else if (all[Number(event.key) - 1]) {
    pick(all[Number(event.key) - 1]);
    all[Number(event.key) - 1].focus();
  } else if (event.key.toLowerCase() === "r" && all.length) again();
  else return;
  event.preventDefault();
}

function tab(chosen) {
  for (const each of dialog.querySelectorAll("[role=tab]")) {
    const on = each === chosen;
    each.ariaSelected = String(on);
    each.tabIndex = on ? 0 : -1;
    document.getElementById(each.getAttribute("aria-controls")).hidden = !on;
  }
  chosen.focus();
}

function pick(chosen) {
  for (const each of dialog.querySelectorAll("[data-pick]")) each.ariaPressed = String(each === chosen);
  part("use").disabled = false;
  part("use-label").textContent = document.querySelector("[data-studio]") ? gettext("Use in this scene") : gettext("Open in the library");
}

// The page may take it (the studio does, for the scene in hand); else its own page opens.
function use() {
  const chosen = dialog.querySelector("[data-pick][aria-pressed=true]");
  if (!chosen) return;
  const detail = { asset: chosen.dataset.pick, taken: false };
  document.dispatchEvent(new CustomEvent("generate:use", { detail }));
  if (!detail.taken) location.href = chosen.dataset.page;
  else dialog.close();
}

function again() {
  const form = part("draw");
  form.elements.seed.value = Number(form.elements.seed.value) + Number(form.elements.count.value);
  form.requestSubmit();
}

async function transcribe(button) {
  button.disabled = true;
  const headers = { "X-CSRFToken": document.body.dataset.csrf, "Content-Type": "application/json" };
  const answer = await fetch(button.dataset.transcribe, { method: "POST", body: JSON.stringify({ do: "transcribe" }), headers }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  button.disabled = Boolean(answer?.ok);
  say("transcribing", answer?.ok ? gettext("It is being written down: the tray shows how far it is.") : told ? `${told.message} ${told.next_step}` : gettext("Try again."));
}
