// Moving rows of a list: by the grip with a pointer, by the grip with Space and arrows, by Alt and arrows anywhere in a row.
import { gettext } from "../words.js";
export function arrange(list, move) {
  const rows = () => [...list.children];
  const live = document.querySelector("[data-live-region]");
  let held = null; // by keyboard: {row, from, to}
  let drag = null; // by pointer: {row, from, to, y}

  list.addEventListener("keydown", (event) => {
    const row = event.target.closest("[data-scene]");
    if (!row) return;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.altKey && step) {
      event.preventDefault();
      move(row.dataset.scene, rows().indexOf(row) + step);
      return;
    }
    if (!event.target.matches("[data-grip]")) return;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      held ? drop() : lift(row);
    } else if (held && step) {
      event.preventDefault();
      held.to = Math.max(0, Math.min(rows().length - 1, held.to + step));
      show(held);
      live.textContent = gettext("Place %(place)s of %(all)s.", { place: held.to + 1, all: rows().length });
    } else if (held && event.key === "Escape") {
      event.preventDefault();
      live.textContent = gettext("Put back.");
      clear();
    }
  });
  list.addEventListener("focusout", (event) => {
    if (held && event.target.matches("[data-grip]")) clear();
  });

  function lift(row) {
    held = { row, from: rows().indexOf(row), to: rows().indexOf(row) };
    row.classList.add("lifted");
    live.textContent = gettext("Picked up scene %(number)s. Use the arrow keys, then Space.", { number: held.from + 1 });
  }

  function drop() {
    const { row, from, to } = held;
    clear();
    if (from !== to) move(row.dataset.scene, to);
    else live.textContent = gettext("Put down where it was.");
  }

  list.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button) return;
    event.preventDefault();
    grip.focus();
    const row = grip.closest("[data-scene]");
    drag = { row, from: rows().indexOf(row), to: rows().indexOf(row), y: event.clientY };
    grip.setPointerCapture(event.pointerId);
    row.classList.add("lifted");
  });
  list.addEventListener("pointermove", (event) => {
    if (!drag) return;
    drag.row.style.transform = `translateY(${event.clientY - drag.y}px)`;
    drag.to = rows().filter((row) => row !== drag.row && middle(row) < event.clientY).length;
    show(drag);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    list.addEventListener(kind, () => {
      if (!drag) return;
      const { row, from, to } = drag;
      drag = null;
      clear(row);
      if (kind === "pointerup" && from !== to) move(row.dataset.scene, to);
    });
  }

  // A line where the row would land.
  function show({ row, from, to }) {
    for (const other of rows()) other.classList.remove("land-before", "land-after");
    if (to === from) return;
    rows()[to].classList.add(to < from ? "land-before" : "land-after");
  }

  function clear(row = held?.row) {
    held = null;
    row?.classList.remove("lifted");
    if (row) row.style.transform = "";
    for (const other of rows()) other.classList.remove("land-before", "land-after");
  }
}

function middle(row) {
  const box = row.getBoundingClientRect();
  return box.top + box.height / 2;
}
