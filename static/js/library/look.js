// Quick look: Space, Enter or a click on a tile; arrows go on, Escape closes, and the focus is where one left off.
import { settle, start as play } from "./detail.js";
import { links } from "./move.js";

const dialog = document.getElementById("look");
let shown = null;
const ahead = new Map();

export function start() {
  play(dialog);
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".shot-link");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    show(link);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || !event.target.matches(".shot-link")) return;
    event.preventDefault();
    show(event.target);
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === " " && !event.target.closest("button, a, video, audio, input, select, summary, .said")) {
      event.preventDefault();
      dialog.close();
    }
    if (!step || event.altKey || event.target.closest("video, audio, input, select")) return;
    event.preventDefault();
    go(step);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
    const step = event.target.closest("[data-step]");
    if (step) go(Number(step.dataset.step));
  });
  dialog.addEventListener("close", () => {
    document.getElementById("look-body").replaceChildren();
    shown?.focus();
  });
}

function go(step) {
  const all = links().filter((link) => !link.parentElement.hidden);
  const next = all[all.indexOf(shown) + step];
  if (next) show(next);
}

async function show(link) {
  shown = link;
  const text = await (ahead.get(link.href) ?? fragment(link));
  if (shown !== link) return; // went on meanwhile
  if (text === null) {
    location.href = link.href;
    return;
  }
  const body = document.getElementById("look-body");
  body.innerHTML = text;
  const why = link.parentElement.querySelector("[data-why]");
  if (why) body.querySelector("[data-why-here]").replaceChildren(why.cloneNode(true));
  const all = links();
  dialog.querySelector("[data-place]").textContent = `${all.indexOf(link) + 1} of ${all.length}${document.querySelector("[data-more]") ? "+" : ""}`;
  dialog.querySelector("[data-look-page]").href = link.href;
  if (!dialog.open) {
    dialog.showModal();
    dialog.focus(); // none of its buttons: Space closes, arrows go on
  }
  settle(body);
  const next = all[all.indexOf(link) + 1];
  ahead.clear();
  if (next) ahead.set(next.href, fragment(next));
}

async function fragment(link) {
  const address = new URL(link.href);
  address.searchParams.set("look", "1");
  try {
    const answer = await fetch(address);
    return answer.ok && !answer.redirected ? await answer.text() : null;
  } catch {
    return null;
  }
}
