// Home: the brief box and tiles that change while one looks.
import { listen, refresher } from "./events.js";
import { gettext } from "./words.js";

const form = document.querySelector("[data-brief]");

if (form) {
  const text = form.elements.article;
  const file = form.elements.file;
  const box = form.querySelector(".brief-box");
  const KEY = "storyloom.brief";

  // What is typed survives a reload, a crash and an expired session.
  if (!text.value) text.value = sessionStorage.getItem(KEY) ?? "";
  // What it will cost grows with the article and with what is spoken; the server says by how much.
  const estimate = () => {
    const place = form.querySelector("[data-estimate]");
    if (!place?.dataset.currency || !text.value.trim()) return;
    const { fixed, each, second } = place.dataset;
    const amount = Number(fixed) + Number(each) * text.value.length + Number(second) * Number(form.elements.seconds.value);
    place.textContent = gettext("about %(amount)s", { amount: `${amount.toPrecision(2)} ${place.dataset.currency}` });
  };
  const count = () => {
    const words = text.value.trim() ? text.value.trim().split(/\s+/).length : 0;
    form.querySelector("[data-count]").textContent = words > 20 ? gettext("%(words)s words", { words: words.toLocaleString() }) : "";
    estimate();
    sessionStorage.setItem(KEY, text.value);
  };
  count();
  text.addEventListener("input", count);
  form.elements.seconds.addEventListener("change", estimate);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", () => {
    sessionStorage.removeItem(KEY);
    const button = form.querySelector("[data-make]");
    button.setAttribute("aria-disabled", "true");
    button.lastChild.textContent = gettext("Reading…");
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    const button = form.querySelector("[data-make]");
    button.removeAttribute("aria-disabled");
    button.lastChild.textContent = gettext("Make story");
  });

  const attached = () => {
    const name = form.querySelector("[data-file-name]");
    name.textContent = file.files[0]?.name ?? gettext("Attach a file");
    name.closest(".chip").classList.toggle("on", file.files.length > 0);
  };
  file.addEventListener("change", attached);
  for (const [kind, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    box.addEventListener(kind, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      box.classList.toggle("over", over);
      if (kind !== "drop") return;
      file.files = event.dataTransfer.files;
      attached();
    });
  }
  for (const chip of form.querySelectorAll("[data-example]")) {
    chip.addEventListener("click", (event) => {
      event.preventDefault();
      text.value = chip.dataset.example;
      count();
      text.focus();
      text.setSelectionRange(0, 0);
      text.scrollTop = 0;
    });
  }
}

// The list's filter of people goes at once.
document.addEventListener("change", (event) => event.target.matches("[data-submit]") && event.target.form.requestSubmit());

// The board: a card goes to the next column where that is an act; the menu of the card does the same.
const board = document.querySelector("[data-board]");

if (board) {
  let held = null;
  board.addEventListener("dragstart", (event) => {
    held = event.target.closest?.("[data-to]");
    if (!held) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", held.querySelector("h3").textContent.trim());
    for (const column of board.children) column.classList.toggle("takes", column.dataset.column === held.dataset.to);
  });
  board.addEventListener("dragend", () => {
    held = null;
    for (const column of board.children) column.classList.remove("takes", "over");
  });
  board.addEventListener("dragover", (event) => {
    const column = event.target.closest("[data-column]");
    for (const each of board.children) each.classList.toggle("over", each === column && each.dataset.column === held?.dataset.to);
    if (held && column?.dataset.column === held.dataset.to) event.preventDefault();
  });
  board.addEventListener("drop", (event) => {
    const column = event.target.closest("[data-column]");
    if (!held || column?.dataset.column !== held.dataset.to) return;
    event.preventDefault();
    held.querySelector(`[data-move="${held.dataset.to}"] button`).click();
  });
  board.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });
}

const refreshers = new Map();
const tileOf = (story) => document.querySelector(`[data-story="${story}"]`);

async function refresh(story) {
  const answer = await fetch(tileOf(story).dataset.tile);
  if (!answer.ok || answer.redirected) return;
  const drawn = await answer.text();
  tileOf(story).outerHTML = drawn;
}

listen(({ kind, story }) => {
  if (!story || ["job.progress", "words.told", "story.presence"].includes(kind) || !tileOf(story)) return;
  if (!refreshers.has(story)) refreshers.set(story, refresher(() => refresh(story), 400));
  refreshers.get(story)();
});
