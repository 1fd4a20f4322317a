// An engine that became ready is offered to those who choose engines, and never taken.
import { listen } from "./events.js";
import { toast } from "./toasts.js";
import { gettext } from "./words.js";

const FOR = { writer: gettext("for new drafts"), painter: gettext("for new pictures"), voice: gettext("for new narration"), transcriber: gettext("for new transcripts"), embedder: gettext("to search by pictures") };

export function start() {
  if (!("manage" in document.body.dataset)) return;
  listen(({ kind, data }) => {
    if (kind !== "engine.ready") return;
    const { role, engine: name, title } = data;
    toast(gettext("%(title)s is ready. Use it %(purpose)s?", { title, purpose: FOR[role] ?? gettext("for new work") }), {
      seconds: 60,
      acts: [
        [gettext("Use"), () => use(role, name, title)],
        [gettext("Compare"), () => (location.href = `/settings/engines/compare/?${new URLSearchParams({ role, name })}`)],
        [gettext("Not now"), () => {}],
      ],
    });
  });
}

async function use(role, name, title) {
  const said = new URLSearchParams({ role, name });
  const headers = { "X-CSRFToken": document.body.dataset.csrf };
  const answer = await fetch("/settings/engines/choose/", { method: "POST", body: said, headers }).catch(() => null);
  toast(answer?.ok ? gettext("%(title)s is used for new work.", { title }) : gettext("That didn't work. Choose it under Settings > Engines."));
}
