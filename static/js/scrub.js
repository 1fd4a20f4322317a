// Clips show their frames while a pointer passes over them; with the keyboard, "," and "." step through them.
const FRAMES = 10;

export function scrub(root) {
  root.addEventListener("pointermove", (event) => {
    const tile = event.target.closest("[data-sprite]");
    if (!tile || event.pointerType === "touch") return;
    const box = tile.getBoundingClientRect();
    frame(tile, Math.floor((FRAMES * (event.clientX - box.left)) / box.width));
  });
  root.addEventListener("pointerout", (event) => {
    const tile = event.target.closest("[data-sprite]");
    if (tile && !tile.contains(event.relatedTarget)) tile.querySelector(".scrub-picture")?.remove();
  });
  root.addEventListener("focusout", (event) => event.target.querySelector?.(".scrub-picture")?.remove());
  root.addEventListener("keydown", (event) => {
    const step = { ",": -1, ".": 1 }[event.key];
    if (!step || !event.target.matches("[data-sprite]")) return;
    event.preventDefault();
    const shown = Number(event.target.querySelector(".scrub-picture")?.dataset.frame ?? -1);
    frame(event.target, (shown + step + FRAMES) % FRAMES);
  });
}

function frame(tile, number) {
  let picture = tile.querySelector(".scrub-picture");
  if (!picture) {
    picture = document.createElement("span");
    picture.className = "scrub-picture";
    picture.style.backgroundImage = `url("${tile.dataset.sprite}")`;
    picture.style.backgroundSize = `${FRAMES * 100}% 100%`;
    tile.append(picture);
  }
  const at = Math.max(0, Math.min(FRAMES - 1, number));
  picture.dataset.frame = at;
  picture.style.backgroundPosition = `${(100 * at) / (FRAMES - 1)}% 0`;
}
