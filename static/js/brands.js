// A brand as it is chosen: contrasts beside the colours, and cards that wear it.
import { gettext } from "./words.js";
const WAIT = 300;
const form = document.querySelector("[data-brand]");
const said = document.querySelector("[data-brand-said]");
const least = Number(form.dataset.least);
const grounds = { ink: "ground", accent: "ground", paper_ink: "paper", paper_accent: "paper" };
const shown = ["name", "logo", "headline", "text", "ground", "ink", "accent", "paper", "paper_ink", "paper_accent"];
let timer = 0;
let asked = 0;

// By WCAG, of "#rrggbb".
function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrasts() {
  let worst = 21;
  for (const [text, ground] of Object.entries(grounds)) {
    const [low, high] = [text, ground].map((name) => luminance(form.elements[name].value)).sort((one, other) => one - other);
    const reached = (high + 0.05) / (low + 0.05);
    const place = form.querySelector(`[data-contrast=${text}]`);
    place.textContent = `${reached.toFixed(1)} : 1${reached < least ? `, needs ${least}` : ""}`;
    place.toggleAttribute("data-bad", reached < least);
    worst = Math.min(worst, reached);
  }
  return worst;
}

async function draw() {
  const turn = ++asked;
  const query = new URLSearchParams(shown.map((name) => [name, form.elements[name].value]));
  for (const image of document.querySelectorAll("[data-shown]")) {
    query.set("layout", image.dataset.shown);
    const answer = await fetch(`${form.dataset.tried}?${query}`).catch(() => null);
    if (turn !== asked) return;
    if (!answer?.ok) {
      const why = answer?.status === 422 ? await answer.json() : { message: gettext("No connection."), next_step: "" };
      said.textContent = `${why.message} ${why.next_step}`.trim();
      return;
    }
    const old = image.src;
    image.src = URL.createObjectURL(await answer.blob());
    image.removeAttribute("data-old");
    if (old.startsWith("blob:")) URL.revokeObjectURL(old);
  }
  said.textContent = form.elements.file.value ? gettext("The new logo shows once the brand is kept.") : "";
}

form.addEventListener("input", () => {
  const worst = contrasts();
  for (const image of document.querySelectorAll("[data-shown]")) image.toggleAttribute("data-old", true);
  clearTimeout(timer);
  if (worst < least) said.textContent = gettext("Text in these colours can't be read: make one darker, or the other lighter.");
  else timer = setTimeout(draw, WAIT);
});
contrasts();
