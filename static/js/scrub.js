// Clips show a frame of each shot while a pointer passes over them; with the keyboard, "," and "." (or Shift with the
// arrows) step through them. Nothing moves by itself.
import { single } from "./shortcuts.js";

export function scrub(root) {
  root.addEventListener("pointermove", (event) => {
    const tile = event.target.closest("[data-sprite]");
    if (!tile || event.pointerType === "touch") return;
    const box = tile.getBoundingClientRect();
    frame(tile, Math.floor((looks(tile).length * (event.clientX - box.left)) / box.width));
  });
  root.addEventListener("pointerout", (event) => {
    const tile = event.target.closest("[data-sprite]");
    if (tile && !tile.contains(event.relatedTarget)) still(tile);
  });
  root.addEventListener("focusout", (event) => event.target.matches?.("[data-sprite]") && still(event.target));
  root.addEventListener("keydown", (event) => {
    const step = { ...(single(event) && { ",": -1, ".": 1 }), ...(event.shiftKey && { ArrowLeft: -1, ArrowRight: 1 }) }[event.key];
    if (!step || !event.target.matches("[data-sprite]")) return;
    event.preventDefault();
    const count = looks(event.target).length;
    const shown = Number(event.target.querySelector(".scrub-picture")?.dataset.frame ?? -1);
    frame(event.target, (shown + step + count) % count);
  });
}

const looks = (tile) => tile.dataset.looks.split(",");

function still(tile) {
  for (const part of tile.querySelectorAll(".scrub-picture, .scrub-bar")) part.remove();
}

function frame(tile, number) {
  const count = looks(tile).length;
  let picture = tile.querySelector(".scrub-picture");
  if (!picture) {
    picture = document.createElement("span");
    picture.className = "scrub-picture";
    picture.style.backgroundImage = `url("${tile.dataset.sprite}")`;
    picture.style.backgroundSize = `${count * 100}% 100%`;
    const bar = document.createElement("span");
    bar.className = "scrub-bar";
    bar.append(document.createElement("i"));
    tile.append(picture, bar);
  }
  const at = Math.max(0, Math.min(count - 1, number));
  picture.dataset.frame = at;
  picture.style.backgroundPosition = `${(100 * at) / Math.max(1, count - 1)}% 0`;
  tile.querySelector(".scrub-bar i").style.insetInlineStart = `${(100 * at) / Math.max(1, count)}%`;
}
