// The chosen scene: its picture and the others on offer, why they stand where they stand, and its texts.
import { Alternatives, explained } from "./alternatives.js";
import { Readings } from "./readings.js";
import { Recording } from "./record.js";
import { part } from "./scenes.js";
import { Wording } from "./wording.js";
import { gettext } from "../words.js";

export class Inspector {
  constructor(store, root) {
    this.store = store;
    this.title = part(root, "inspector-title");
    this.body = part(root, "inspector-body");
    this.body.append(document.getElementById("t-inspector").content.cloneNode(true));
    this.wording = new Wording(store, this.body);
    this.alternatives = new Alternatives(store, this.body);
    this.readings = new Readings(store, this.body);
    this.recording = new Recording(store, this.body);
    this.current = "";
    this.finding = "";
    this.body.addEventListener("input", (event) => {
      const { field } = event.target.dataset;
      if (field) store.type(this.current, field, event.target.value);
    });
    this.body.addEventListener("change", (event) => {
      if (event.target.name === "offer") this.take(Number(event.target.value));
      const { shown } = event.target.dataset;
      if ("end" in event.target.dataset) store.act({ do: "edit_scene", scene: this.current, end: Number(event.target.value) || 0 });
      if (shown) store.act({ do: "edit_scene", scene: this.current, [shown]: event.target.value });
    });
    part(this.body, "find").addEventListener("submit", (event) => {
      event.preventDefault();
      this.find();
    });
    // On a phone the scene's words and picture come first; the rest unfolds.
    if (matchMedia("(max-width: 900px)").matches) for (const fold of this.body.querySelectorAll(".fold")) fold.open = false;
    store.addEventListener("changed", () => this.draw());
    store.addEventListener("refused", ({ detail }) => this.refuse(detail));
  }

  show(id) {
    if (this.current !== id) this.drawn = "";
    this.current = id;
    this.draw();
  }

  draw() {
    const scene = this.store.scene(this.current);
    this.body.hidden = !scene;
    if (!scene) {
      this.title.textContent = gettext("Scene");
      return;
    }
    const number = this.store.doc.scenes.indexOf(scene) + 1;
    this.title.textContent = gettext("Scene %(number)s", { number });
    for (const field of this.body.querySelectorAll("[data-field]")) {
      field.readOnly = !this.store.editable;
      field.lang = this.store.doc.language;
      const value = this.store.value(scene.id, field.dataset.field);
      if (field.value !== value) field.value = value;
    }
    for (const field of this.body.querySelectorAll("[data-shown]")) {
      field.disabled = !this.store.editable;
      const chosen = scene[field.dataset.shown];
      field.value = chosen;
      // Not installed any more: it stays chosen until somebody chooses another.
      if (field.value !== chosen) {
        field.append(new Option(gettext("%(chosen)s (not installed)", { chosen }), chosen));
        field.value = chosen;
      }
    }
    part(this.body, "motion").hidden = scene.picture?.kind !== "image";
    part(this.body, "clip-end").hidden = scene.picture?.kind !== "video";
    const end = part(this.body, "end");
    end.disabled = !this.store.editable;
    if (document.activeElement !== end) end.value = scene.end ?? "";
    const words = part(this.body, "words");
    if (document.activeElement !== words) words.value = scene.visual;
    part(this.body, "find").hidden = !this.store.doc.may.edit;
    this.wording.draw(scene);
    this.alternatives.draw(scene);
    this.readings.draw(scene);
    this.recording.draw(scene);
    this.offers(scene);
    this.why(scene);
    this.facts(scene);
  }

  offers(scene) {
    const state = JSON.stringify([scene.id, scene.alternatives.map(({ id }) => id), scene.picture?.asset, scene.picture?.start, this.store.editable]);
    if (state === this.drawn) return;
    this.drawn = state;
    const focused = document.activeElement?.name === "offer";
    const offered = scene.alternatives.map((each, index) => {
      const offer = document.getElementById("t-offer").content.firstElementChild.cloneNode(true);
      const radio = offer.querySelector("input");
      radio.value = each.id;
      radio.checked = this.shown(scene, each);
      radio.disabled = !this.store.editable;
      const name = each.alt || each.title || gettext("Picture %(number)s", { number: index + 1 });
      radio.ariaLabel = `${name}, ${each.drawn ? "drawn for this scene" : `match ${index + 1} of ${scene.alternatives.length}`}`;
      const image = offer.querySelector("img");
      image.src = each.thumbnail;
      offer.title = each.alt || each.title;
      if (each.colour) offer.style.backgroundColor = each.colour;
      const badge = part(offer, "score");
      badge.textContent = each.drawn ? "drawn" : index + 1;
      return offer;
    });
    const place = part(this.body, "offers");
    place.replaceChildren(...offered);
    if (focused) place.querySelector("input:checked")?.focus();
    part(this.body, "no-offers").hidden = offered.length > 0;
    const state_ = part(this.body, "find-state");
    if (this.finding && this.finding !== state) {
      state_.textContent = offered.length ? `${offered.length} pictures.` : "";
      this.finding = "";
    }
  }

  shown(scene, offer) {
    return scene.picture?.asset === offer.asset && Math.abs(scene.picture.start - offer.start) < 0.05;
  }

  why(scene) {
    const chosen = scene.alternatives.find((each) => this.shown(scene, each));
    const place = part(this.body, "why");
    place.hidden = !chosen?.explain?.length;
    if (place.hidden) return;
    part(this.body, "explain").replaceChildren(...explained(chosen));
  }

  facts(scene) {
    const picture = scene.picture;
    const rows = picture
      ? [
          [gettext("Picture"), picture.title || gettext("Untitled"), picture.page],
          [gettext("Licence"), picture.licence || gettext("Not known")],
          [gettext("Credit"), picture.credit],
          [gettext("Made by"), picture.made_by],
          [gettext("Voice"), scene.voice],
          [gettext("Captions"), scene.timing === "word" ? gettext("word by word, from the voice") : scene.timing === "sentence" ? gettext("by sentence") : ""],
        ]
      : [[gettext("Picture"), gettext("None yet: the next render chooses one")]];
    const parts = rows
      .filter(([, value]) => value)
      .flatMap(([label, value, link]) => {
        const term = Object.assign(document.createElement("dt"), { textContent: label });
        const fact = document.createElement("dd");
        fact.append(link ? Object.assign(document.createElement("a"), { href: link, textContent: value }) : value);
        return [term, fact];
      });
    part(this.body, "facts").replaceChildren(...parts);
  }

  async take(alternative) {
    await this.store.act({ do: "choose_picture", scene: this.current, alternative });
  }

  async find() {
    const words = part(this.body, "words").value.trim();
    if (!words) return;
    const state = part(this.body, "find-state");
    state.textContent = gettext("Looking in the library, and drawing one…");
    this.finding = this.drawn;
    if (!(await this.store.act({ do: "find_pictures", scene: this.current, words }))) state.textContent = "";
  }

  refuse({ scene, field, why }) {
    if (scene !== this.current || field === "narration") return;
    part(this.body, "find-state").textContent = why;
  }
}
