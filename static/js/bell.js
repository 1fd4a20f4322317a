// The bell: its number follows what is told, and what is new is said in a toast.
import { listen } from "./events.js";
import { toast } from "./toasts.js";

export function start() {
  listen(async ({ kind }) => {
    const bell = document.querySelector("[data-bell]");
    if (kind !== "notice.told" || !bell) return;
    const answer = await fetch(bell.dataset.bell, { headers: { "HX-Request": "true" } });
    if (!answer.ok || answer.redirected) return;
    bell.outerHTML = await answer.text();
    const newest = document.querySelector("[data-bell]")?.dataset.newest;
    if (newest) toast(newest);
  });
}
