// Hear a voice say a few words, and show another language's voices at once.
import { gettext } from "./words.js";
const form = document.querySelector("[data-voices]");
const language = form.querySelector("[data-language]");
const said = form.querySelector("[data-said]");
const state = document.querySelector("[data-heard]");
const player = new Audio();
let playing = null;

const label = (button, text) => {
  button.querySelector("span").textContent = text;
};
const stop = () => {
  player.pause();
  if (playing) label(playing, gettext("Hear it"));
  playing = null;
};

form.querySelector(".btn").hidden = true;
language.addEventListener("change", () => form.requestSubmit());
for (const hidden of document.querySelectorAll("[data-hearing], [data-hear]")) hidden.hidden = false;
for (const button of document.querySelectorAll("[data-hear]")) {
  button.addEventListener("click", async () => {
    const again = playing === button;
    stop();
    if (again) return;
    playing = button;
    label(button, gettext("Stop"));
    const asked = new URLSearchParams({ voice: button.dataset.hear, language: language.value, said: said.value });
    player.src = `${form.dataset.voices}?${asked}`;
    try {
      await player.play();
      state.textContent = "";
    } catch {
      if (playing !== button) return;
      stop();
      state.textContent = gettext("This voice can't say that. Try other words.");
    }
  });
}
player.addEventListener("ended", stop);
