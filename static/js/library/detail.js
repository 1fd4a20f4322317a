// What an asset's details do, on its page and in quick look: words and moments play from where they are.
export function start(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-seek]");
    if (button) play(button);
  });
}

function play(button) {
  const media = button.closest("[data-detail]").querySelector("video, audio");
  if (!media) return;
  media.currentTime = Number(button.dataset.seek);
  media.play().catch(() => {}); // no codec or no leave to play: the picture stands at that second
}

// The first word that was asked for comes into sight, and the word that is being said is marked.
export function settle(detail) {
  const asked = detail.querySelector(".word.asked");
  if (asked) asked.closest(".said").scrollTop = asked.offsetTop - asked.closest(".said").offsetTop - 30;
  const media = detail.querySelector("video, audio");
  const words = [...detail.querySelectorAll(".word")];
  if (!media || !words.length) return;
  media.addEventListener("timeupdate", () => {
    const now = words.findLast((word) => Number(word.dataset.seek) <= media.currentTime + 0.05);
    for (const word of words) word.classList.toggle("now", word === now && !media.paused);
  });
}
