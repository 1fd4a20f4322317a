// Say the line that the cursor is in: its right side, as the voice would.
import { gettext } from "./words.js";
const lines = document.getElementById("lines");
const hear = document.querySelector("[data-hear]");
const state = document.querySelector("[data-heard]");
const player = new Audio();

hear.hidden = false;
hear.addEventListener("click", async () => {
  const before = lines.value.slice(0, lines.selectionStart).split("\n").length - 1;
  const [spelling, said] = (lines.value.split("\n")[before] ?? "").split(/\s*(?:=|→|->)\s*/);
  if (!(said || spelling)?.trim()) {
    state.textContent = gettext("Put the cursor into a line first.");
    return;
  }
  player.src = `${hear.dataset.hear}?said=${encodeURIComponent(said || spelling)}`;
  try {
    await player.play();
    state.textContent = `“${said || spelling}”`;
  } catch {
    state.textContent = gettext("This voice can't say it here. Render a scene to hear it.");
  }
});
