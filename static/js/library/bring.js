// Bringing files in: what is chosen or dropped goes into line (uploads.js), and imports are followed file by file.
import { listen, refresher } from "../events.js";
import { toast } from "../toasts.js";
import { add } from "../uploads.js";
import { gettext, ngettext } from "../words.js";

export function given(files) {
  const form = document.querySelector("[data-upload]");
  if (!form) return;
  form.elements.uploads.files = files;
  say(form);
  const dialog = document.getElementById("bring-in");
  if (!dialog.open) dialog.showModal();
}

export function start() {
  const form = document.querySelector("[data-upload]");
  form?.elements.uploads.addEventListener("change", () => say(form));
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
  for (const place of document.querySelectorAll("[data-import]")) follow(place);
  document.body.addEventListener("uploads:added", ({ detail }) => {
    const line = document.querySelector("[data-fresh]");
    if (!line) return;
    line.dataset.fresh = Number(line.dataset.fresh) + detail;
    line.querySelector("[data-count]").textContent = line.dataset.fresh;
    line.hidden = false;
  });
}

function say(form) {
  const { files } = form.elements.uploads;
  const bytes = [...files].reduce((sum, { size }) => sum + size, 0);
  form.querySelector("[data-chosen]").textContent = files.length
    ? `${ngettext("%(count)s file", "%(count)s files", files.length)}, ${(bytes / 1e6).toFixed(1)} MB`
    : gettext("Drop them anywhere on this page, or choose them here.");
}

async function send(form) {
  const { uploads, licence, credit, tags } = form.elements;
  const files = [...uploads.files];
  const said = { licence: licence.value, credit: credit.value, tags: tags.value };
  form.closest("dialog")?.close();
  uploads.value = "";
  say(form);
  toast(ngettext("%(count)s file is on the way. You may leave this page.", "%(count)s files are on the way. You may leave this page.", files.length));
  await add(files, said);
}

// What becomes of each file.
function follow(place) {
  const refresh = refresher(async () => {
    const answer = await fetch(place.dataset.importState);
    if (answer.ok && !answer.redirected) place.innerHTML = await answer.text();
  }, 250);
  listen(({ job, kind }) => String(job) === place.dataset.import && kind !== "job.progress" && refresh());
}
