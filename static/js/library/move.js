// One tile of the grid is in the tab order; arrows, Home and End move through the others.
export const links = () => [...document.querySelectorAll("[data-grid] .shot-link")];

export function start() {
  const settle = () => mark(document.querySelector("[data-grid] .shot-link[tabindex='0']") ?? links()[0]);
  settle();
  document.addEventListener("library:shown", settle);
  document.addEventListener("focusin", ({ target }) => {
    const tile = target.closest?.(".shot");
    if (tile) mark(tile.querySelector(".shot-link"));
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.(".shot-link") || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const next = toward(event.target, event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  });
}

function mark(link) {
  for (const each of document.querySelectorAll("[data-grid] :is(a, button, input)")) each.tabIndex = -1;
  for (const each of link?.closest(".shot").querySelectorAll("a, button, input") ?? []) each.tabIndex = 0;
}

function toward(link, key) {
  const all = links();
  const at = all.indexOf(link);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (step) return all[at + (document.dir === "rtl" ? -step : step)];
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  if (key !== "ArrowDown" && key !== "ArrowUp") return null;
  // The nearest by its middle in the next row.
  const box = link.getBoundingClientRect();
  const middle = box.left + box.width / 2;
  const down = key === "ArrowDown";
  let best = null;
  let row = null;
  for (const other of down ? all.slice(at + 1) : all.slice(0, at).reverse()) {
    const there = other.getBoundingClientRect();
    if (Math.abs(there.top - box.top) < 4) continue;
    if (row !== null && Math.abs(there.top - row) >= 4) break;
    row = there.top;
    const off = Math.abs(there.left + there.width / 2 - middle);
    if (!best || off < best.off) best = { other, off };
  }
  return best?.other;
}
