// Choosing tiles: their boxes, Ctrl and Shift with a click, "x" with the keyboard; what is done with them, and undone.
import { toast } from "../toasts.js";
import { single, typing } from "../shortcuts.js";
import { gettext } from "../words.js";

let last = null;
const boxes = () => [...document.querySelectorAll(".pick input")];

export function start() {
  const form = document.querySelector("[data-selection]");
  if (!form) return;
  document.addEventListener("change", ({ target }) => target.matches(".pick input") && count(form));
  document.addEventListener("library:shown", () => count(form));
  document.addEventListener(
    "click",
    (event) => {
      const pick = event.target.closest(".pick");
      if (pick && event.target.matches("input")) {
        reach(event.target, event.shiftKey);
        count(form);
      }
      const link = event.target.closest(".shot-link");
      if (!link || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation();
      flip(link, event.shiftKey);
      count(form);
    },
    { capture: true },
  );
  document.addEventListener("keydown", (event) => {
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog:modal")) return;
    if (event.key.toLowerCase() === "x" && single(event) && event.target.matches(".shot-link")) {
      event.preventDefault();
      flip(event.target, event.shiftKey);
      count(form);
    }
    if (event.key === "Escape" && !document.querySelector("details.menu[open], :popover-open")) clear(form);
  });
  form.addEventListener("click", (event) => event.target.closest("[data-let-go]") && clear(form));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-enter]")) return;
    event.preventDefault();
    event.target.closest(".menu-body").querySelector(".primary").click();
  });
  // A name that is typed means a new collection.
  const name = form.elements.name;
  name.addEventListener("input", () => form.elements.collection && (form.elements.collection.value = ""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(form, new FormData(form, event.submitter));
  });
}

// Everything between the tile that was chosen before and this one takes this one's state.
function reach(box, far) {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (far && from >= 0) for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  last = box;
}

function flip(link, far) {
  const box = link.parentElement.querySelector(".pick input");
  box.checked = far && last ? true : !box.checked;
  reach(box, far);
}

function count(form) {
  const chosen = boxes().filter((box) => box.checked).length;
  form.querySelector("[data-chosen-count]").textContent = chosen;
  for (const button of form.querySelectorAll("[data-least]")) button.disabled = chosen < Number(button.dataset.least);
}

function clear(form) {
  const inside = form.contains(document.activeElement);
  for (const box of boxes()) box.checked = false;
  count(form);
  if (inside) (last?.closest(".shot").querySelector(".shot-link") ?? document.getElementById("main")).focus();
}

async function act(form, said) {
  const answer = await send(said);
  if (!answer) return;
  if (answer.go) {
    location.href = answer.go;
    return;
  }
  for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
  const gone = said.get("do") === "archive";
  const tiles = gone ? boxes().filter((box) => box.checked).map((box) => box.closest(".shot")) : [];
  clear(form);
  for (const tile of tiles) tile.hidden = true;
  for (const field of form.querySelectorAll("[data-enter]")) field.value = "";
  toast(answer.said, {
    seconds: 10,
    label: gettext("Undo"),
    act: answer.undo && (() => undo(answer.undo, tiles)),
  });
}

async function undo(wanted, tiles) {
  const said = new FormData();
  for (const [name, value] of Object.entries(wanted)) for (const each of [value].flat()) said.append(name, each);
  const answer = await send(said);
  if (!answer) return;
  for (const tile of tiles) tile.hidden = false;
  toast(answer.said);
}

// The answer of the server, or nothing where it refused: then the refusal is shown.
async function send(said) {
  const form = document.querySelector("[data-selection]");
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: said,
      headers: { Accept: "application/json", "X-CSRFToken": document.body.dataset.csrf },
    });
    const told = await answer.json();
    if (answer.ok) return told;
    toast(`${told.error} ${told.next_step}`, { seconds: 10 });
  } catch {
    toast(gettext("That didn't reach the server. Try again."), { seconds: 10 });
  }
  return null;
}
