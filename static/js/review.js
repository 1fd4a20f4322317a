// A case: what may hurt is shown only when somebody asks for it, first in grey, then in colour; the page says that it is
// open, and what changes meanwhile. The single keys are data-shortcuts of the buttons.
import { gettext } from "./words.js";
const LEVELS = ["blurred", "grey", "colour"];
const EVERY = 10_000; // milliseconds between signs of life; the server forgets a page after 25 s
const page = document.querySelector("[data-case]");
const shown = []; // levels of pictures that were shown since the last sign of life

document.addEventListener("click", (event) => {
  const reveal = event.target.closest("[data-reveal]");
  if (reveal) to(reveal, (level(reveal) + 1) % LEVELS.length);
  if (event.target.closest("[data-reveal-all]")) revealAll();
  const show = event.target.closest("[data-show]");
  if (show) play(show.closest("[data-screen]"));
  const colour = event.target.closest("[data-colours]");
  if (colour) inColour(colour);
});

const level = (reveal) => LEVELS.indexOf(reveal.dataset.level ?? "blurred");

function to(reveal, wanted) {
  const image = reveal.querySelector("img");
  reveal.dataset.blurred ??= image.src;
  image.src = [reveal.dataset.blurred, reveal.dataset.grey, reveal.dataset.colourSrc][wanted];
  reveal.dataset.level = LEVELS[wanted];
  reveal.ariaPressed = String(wanted > 0);
  if (wanted) saw(LEVELS[wanted]);
}

function revealAll() {
  const all = [...document.querySelectorAll("[data-reveal]")];
  const next = all.length ? (level(all[0]) + 1) % LEVELS.length : 0;
  all.forEach((reveal) => to(reveal, next));
  const said = document.querySelector("[data-reveal-said]");
  said.textContent = [gettext("Show pictures in grey"), gettext("Show pictures in colour"), gettext("Hide pictures")][next];
}

function play(screen) {
  const { src, video, label, captions, language } = screen.dataset;
  const colours = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: gettext("Show in colour") });
  colours.dataset.colours = "";
  saw("grey");
  screen.dataset.level = "grey";
  if (!video) {
    screen.replaceChildren(Object.assign(document.createElement("img"), { src, alt: label }), colours);
    colours.focus();
    return;
  }
  const player = Object.assign(document.createElement("video"), { src, controls: true, playsInline: true, autoplay: true, muted: true });
  player.ariaLabel = gettext("%(label)s, without sound until you turn it on", { label });
  if (captions) {
    player.append(Object.assign(document.createElement("track"), { kind: "captions", src: captions, srclang: language, label: gettext("Captions") }));
  }
  screen.replaceChildren(player, colours);
  player.focus();
}

function inColour(button) {
  const screen = button.closest("[data-screen]");
  const grey = screen.dataset.level === "colour";
  screen.dataset.level = grey ? "grey" : "colour";
  button.textContent = grey ? gettext("Show in colour") : gettext("Show in grey");
  saw(screen.dataset.level);
}

function saw(what) {
  shown.push(what);
  const counter = document.querySelector(`[data-${what}-count]`);
  if (counter) counter.textContent = String(Number(counter.textContent) + 1);
}

// Both decisions want their grounds; only the approval of what nobody said a word against needs none.
document.querySelector("[data-decide]")?.addEventListener("submit", (event) => {
  const { reason, clause } = event.target.elements;
  if (event.submitter?.value === "approve" && event.target.dataset.decide === "clean") return;
  const missing = [reason, clause].find((field) => !field.value);
  if (!missing) return;
  event.preventDefault();
  missing.focus();
  missing.setAttribute("aria-invalid", "true");
});

async function alive() {
  if (document.hidden) return;
  const body = new URLSearchParams(shown.splice(0).map((what) => ["shown", what]));
  let said;
  try {
    const answer = await fetch(page.dataset.case, { method: "POST", body, keepalive: true, headers: { "X-CSRFToken": document.body.dataset.csrf } });
    if (!answer.ok) return;
    said = await answer.json();
  } catch {
    return; // the next sign of life tries again
  }
  const others = document.querySelector("[data-others]");
  if (others) others.textContent = said.others.length ? gettext("Also looking: %(people)s", { people: said.others.join(", ") }) : "";
  const changed = said.state !== page.dataset.state || String(said.version) !== page.dataset.version;
  document.querySelector("[data-changed]").hidden = !changed;
  for (const [name, key] of [["colour", "colour"], ["grey", "grey"], ["case", "cases"]]) {
    const counter = document.querySelector(`[data-${name}-count]`);
    if (counter) counter.textContent = said.exposure[key];
  }
  const rest = document.querySelector("[data-break]");
  if (rest) rest.hidden = said.exposure.colour < said.much;
}

if (page?.dataset.state === "open") {
  alive();
  setInterval(alive, EVERY);
  addEventListener("pagehide", () => shown.length && alive());
}
