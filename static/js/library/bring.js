// Bringing files in: hundreds at once are sent in parts, each a job of its own, with what is left in words.
import { listen } from "../events.js";
import { toast } from "../toasts.js";

const MOST_FILES = 200;
const MOST_BYTES = 1e9;

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
}

function say(form) {
  const { files } = form.elements.uploads;
  const bytes = [...files].reduce((sum, { size }) => sum + size, 0);
  form.querySelector("[data-chosen]").textContent = files.length
    ? `${files.length} file${files.length > 1 ? "s" : ""}, ${(bytes / 1e6).toFixed(1)} MB`
    : "Drop them anywhere on this page, or choose them here.";
}

function parts(files) {
  const made = [[]];
  let bytes = 0;
  for (const file of files) {
    if (made.at(-1).length >= MOST_FILES || (bytes && bytes + file.size > MOST_BYTES)) {
      made.push([]);
      bytes = 0;
    }
    made.at(-1).push(file);
    bytes += file.size;
  }
  return made;
}

async function send(form) {
  const files = [...form.elements.uploads.files];
  const total = files.reduce((sum, { size }) => sum + size, 0) || 1;
  const button = form.querySelector(".btn.primary");
  const began = Date.now();
  const jobs = [];
  let before = 0;
  button.disabled = true;
  form.querySelector("[data-sending]").hidden = false;
  try {
    for (const part of parts(files)) {
      const said = new FormData(form);
      said.delete("uploads");
      for (const file of part) said.append("uploads", file);
      const answer = await post(form.action, said, (sent) => progress(form, Math.min(1, (before + sent) / total), began));
      before += part.reduce((sum, { size }) => sum + size, 0);
      const job = new URL(answer.responseURL).searchParams.get("import");
      if (answer.status >= 400 || !job) throw new Error(refusal(answer));
      jobs.push(job);
    }
  } catch (error) {
    button.disabled = false;
    form.querySelector("[data-sending]").hidden = true;
    form.querySelector("[data-left]").textContent = "";
    form.querySelector("[data-label]").textContent = "Send again";
    toast(error.message || "The connection broke.", { seconds: 12 });
    if (!jobs.length) return;
  }
  location.href = `${location.pathname}?${jobs.map((job) => `import=${job}`).join("&")}`;
}

function progress(form, share, began) {
  form.querySelector("[data-sending]").value = share;
  const seconds = (Date.now() - began) / 1000;
  const rest = Math.ceil(((1 - share) * seconds) / Math.max(share, 0.001));
  const left = share < 1 && seconds > 2 ? ` · ${rest > 90 ? `${Math.round(rest / 60)} min` : `${rest} s`} left` : "";
  form.querySelector("[data-left]").textContent = `${Math.round(100 * share)} %${left}`;
}

// With XMLHttpRequest, since fetch doesn't tell how much was sent.
function post(address, said, sent) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded }) => sent(loaded);
    request.onload = () => done(request);
    request.onerror = () => failed(new Error("The connection broke."));
    request.open("POST", address);
    request.send(said);
  });
}

function refusal({ responseText }) {
  const page = new DOMParser().parseFromString(responseText, "text/html");
  return [...page.querySelectorAll(".main [role=alert] p, .field-error")].map((each) => each.textContent.trim()).join(" ");
}

// What becomes of each file.
function follow(place) {
  let soon = 0;
  listen(({ job, kind }) => {
    if (String(job) !== place.dataset.import || kind === "job.progress") return;
    clearTimeout(soon);
    soon = setTimeout(async () => {
      const answer = await fetch(place.dataset.importState);
      if (answer.ok && !answer.redirected) place.innerHTML = await answer.text();
    }, 250);
  });
}
