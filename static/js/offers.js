// An engine that became ready is offered to those who choose engines, and never taken.
import { listen } from "./events.js";
import { toast } from "./toasts.js";

const FOR = { writer: "for new drafts", painter: "for new pictures", voice: "for new narration", transcriber: "for new transcripts", embedder: "to search by pictures" };

export function start() {
  if (!("manage" in document.body.dataset)) return;
  listen(({ kind, data }) => {
    if (kind !== "engine.ready") return;
    const { role, engine: name, title } = data;
    toast(`${title} is ready. Use it ${FOR[role] ?? "for new work"}?`, {
      seconds: 60,
      acts: [
        ["Use", () => use(role, name, title)],
        ["Compare", () => (location.href = `/settings/engines/compare/?${new URLSearchParams({ role, name })}`)],
        ["Not now", () => {}],
      ],
    });
  });
}

async function use(role, name, title) {
  const said = new URLSearchParams({ role, name });
  const headers = { "X-CSRFToken": document.body.dataset.csrf };
  const answer = await fetch("/settings/engines/choose/", { method: "POST", body: said, headers }).catch(() => null);
  toast(answer?.ok ? `${title} is used for new work.` : "That didn't work. Choose it under Settings > Engines.");
}
