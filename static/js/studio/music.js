// The music under the videos: chosen by mood, heard before it is rendered.
export function music(store, select, hear) {
  const player = new Audio();
  const label = hear.querySelector("span");
  const stop = () => {
    player.pause();
    label.textContent = "Hear it";
  };
  const show = () => {
    select.disabled = !store.editable;
    if (document.activeElement !== select) select.value = store.value("", "music");
    hear.hidden = !select.value;
  };
  select.addEventListener("change", () => {
    stop();
    store.type("", "music", select.value);
    show();
  });
  hear.addEventListener("click", () => {
    if (!player.paused) return stop();
    player.src = select.selectedOptions[0].dataset.sample;
    label.textContent = "Stop";
    player.play().catch(stop);
  });
  player.addEventListener("ended", stop);
  store.addEventListener("changed", show);
  show();
}
