// A shared story: the second of a comment is where the video stands.
const video = document.querySelector("[data-video]");
const now = document.querySelector("[data-now]");
const second = document.querySelector("[data-second]");
if (video && now) {
  now.hidden = false;
  now.addEventListener("click", () => (second.value = video.currentTime.toFixed(1)));
}
