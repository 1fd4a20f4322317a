// The bell: its number follows what is told, and what is new is said in a toast.
import { listen, refresher } from "./events.js";
import { toast } from "./toasts.js";

export function start() {
  const refresh = refresher(async () => {
    const bell = document.querySelector("[data-bell]");
    const answer = await fetch(bell.dataset.bell, { headers: { "HX-Request": "true" } });
    if (!answer.ok || answer.redirected) return;
    bell.outerHTML = await answer.text();
    const newest = document.querySelector("[data-bell]")?.dataset.newest;
    if (newest) toast(newest);
  }, 50);
  listen(({ kind }) => kind === "notice.told" && document.querySelector("[data-bell]") && refresh());
}
