// How the drawings look and what plays under the videos: chosen here, the music heard before it is rendered.
import { gettext } from "../words.js";
export function look(store, root) {
  const selects = [...root.querySelectorAll("select[data-field]")];
  const music = root.querySelector("[data-field=music]");
  const hear = root.querySelector("[data-hear]");
  const label = hear.querySelector("span");
  const player = new Audio();
  const stop = () => {
    player.pause();
    label.textContent = gettext("Hear it");
  };
  const show = () => {
    for (const select of selects) {
      select.disabled = !store.editable;
      if (document.activeElement !== select) select.value = store.value("", select.dataset.field);
    }
    hear.hidden = !music.value;
  };
  for (const select of selects) {
    select.addEventListener("change", () => {
      stop();
      store.type("", select.dataset.field, select.value);
      show();
    });
  }
  hear.addEventListener("click", () => {
    if (!player.paused) return stop();
    player.src = music.selectedOptions[0].dataset.sample;
    label.textContent = gettext("Stop");
    player.play().catch(stop);
  });
  player.addEventListener("ended", stop);
  store.addEventListener("changed", show);
  show();
}
