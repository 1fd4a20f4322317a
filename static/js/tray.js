// The tray and every progress bar of a job (an element with data-job) on the page.
import { listen, refresher } from "./events.js";
import { toast } from "./toasts.js";
import { gettext } from "./words.js";

export const STEPS = {
  script: gettext("Writing the script"),
  visuals: gettext("Choosing pictures"),
  narration: gettext("Recording the narration"),
  verdicts: gettext("Checking"),
  publishing: gettext("Publishing"),
  renditions: gettext("Rendering"),
  import: gettext("Bringing files in"),
  trying: gettext("Trying"),
  pictures: gettext("Finding pictures"),
  reading: gettext("Reading"),
  transcribe: gettext("Listening"),
  recording: gettext("Evening the recording"),
  aligning: gettext("Timing the words"),
  cut: gettext("Cutting"),
  use_tool: gettext("Making the copy"),
  words: gettext("Writing other words"),
  looking: gettext("Looking at pictures"),
  drawing: gettext("Drawing"),
  library: gettext("Drawing the first pictures"),
};

const began = new Map();

export function start() {
  const tray = document.getElementById("tray");
  const again = refresher(() => tray && refresh(tray), 300);
  listen((event) => {
    if (!event.kind.startsWith("job.")) return;
    if (event.kind === "job.progress") {
      progress(event);
      return;
    }
    again();
    document.body.dispatchEvent(new CustomEvent("jobs-changed")); // htmx looks again; see templates/jobs/
    if (event.kind === "job.failed" || event.kind === "job.parked") {
      toast(gettext("A job failed: %(error)s", { error: event.data.error ?? gettext("see Jobs") }), { label: gettext("Look"), act: () => (location.href = "/jobs/"), seconds: 10 });
    }
  });
}

function progress({ job, data }) {
  if (!began.has(job)) began.set(job, { at: Date.now(), share: data.progress });
  for (const place of document.querySelectorAll(`[data-job="${job}"]`)) {
    const share = Math.round(100 * data.progress);
    const bar = place.querySelector("progress");
    if (bar) bar.value = share;
    say(place, "[data-step]", STEPS[data.step] ?? data.step);
    say(place, "[data-percent]", `${share} %${left(job, data.progress)}`);
  }
}

// " · 9 s left", once two seconds have told how fast it goes.
export function left(job, share) {
  const first = began.get(job);
  const seconds = (Date.now() - (first?.at ?? Date.now())) / 1000;
  const gained = share - (first?.share ?? 0);
  if (seconds < 2 || gained < 0.02 || share >= 1) return "";
  const rest = Math.ceil(((1 - share) * seconds) / gained);
  return rest > 90 ? ` · ${gettext("%(number)s min left", { number: Math.round(rest / 60) })}` : ` · ${gettext("%(number)s s left", { number: rest })}`;
}

function say(place, selector, text) {
  const element = place.querySelector(selector);
  if (element && element.textContent !== text) element.textContent = text;
}

async function refresh(tray) {
  const answer = await fetch("/jobs/tray/", { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected) return;
  const open = tray.querySelector("details")?.open;
  tray.innerHTML = await answer.text();
  const details = tray.querySelector("details");
  if (details) details.open = Boolean(open);
}
