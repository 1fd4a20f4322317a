// The readings of a scene's line: heard side by side, one taken, and the way back.
import { part } from "./scenes.js";
import { gettext } from "../words.js";

export class Readings {
  constructor(store, body) {
    this.store = store;
    this.root = part(body, "readings");
    this.state = part(this.root, "reading-state");
    this.form = this.root.querySelector("[data-read]");
    this.sound = new Audio();
    this.scene = null;
    this.asked = "";
    this.sound.addEventListener("ended", () => this.hear(""));
    this.root.addEventListener("click", ({ target }) => {
      const { hearReading, useReading } = target.closest("button")?.dataset ?? {};
      if (hearReading) this.hear(this.sound.paused || this.heard !== hearReading ? hearReading : "");
      if (useReading) this.use(Number(useReading), gettext("Taken. It stays until the words change."));
      if (target.closest("[data-reading-back]")) this.use(this.scene.reading_back, gettext("That was the one before."));
    });
    this.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    this.form?.addEventListener("change", () => this.cost());
  }

  draw(scene) {
    if (this.scene?.id !== scene.id) {
      this.hear("");
      this.say("");
    }
    this.scene = scene;
    const { doc, editable } = this.store;
    const asking = doc.pictures.asking.some((each) => each.kind === "speak_reading" && each.scene === scene.id);
    const state = JSON.stringify([scene.id, scene.readings, scene.reading, scene.reading_back, editable]);
    if (state !== this.drawn) part(this.root, "reading-list").replaceChildren(...scene.readings.map((each) => this.one(each)));
    this.drawn = state;
    this.root.hidden = !doc.may.edit && !scene.readings.length;
    const back = part(this.root, "reading-back");
    back.hidden = !doc.may.edit || !scene.reading_back;
    back.disabled = !editable;
    if (this.form) {
      this.form.hidden = !doc.may.edit;
      for (const field of this.form.elements) field.disabled = !editable || asking;
      this.cost();
    }
    if (asking) this.say(gettext("Reading…"));
    else if (this.asked === scene.id) {
      this.asked = "";
      this.say(doc.failed ? `${doc.failed.error} ${doc.failed.next_step}` : gettext("Read. Listen, then choose."));
    }
  }

  one({ id, sound, engine, voice, rate, cost }) {
    const item = document.getElementById("t-reading").content.firstElementChild.cloneNode(true);
    const name = voice || engine || gettext("The story's voice");
    part(item, "voice-name").textContent = name;
    const told = [voice && engine, rate !== 1 && `${rate} × speed`, cost].filter(Boolean).join(" · ");
    part(item, "told").textContent = told;
    const [hear, use] = item.querySelectorAll("button");
    hear.dataset.hearReading = sound;
    hear.ariaLabel = `Hear ${name}${rate === 1 ? "" : `, ${rate} × speed`}`;
    use.dataset.useReading = id;
    const taken = this.scene.reading === id;
    item.toggleAttribute("data-shown", taken);
    use.textContent = taken ? gettext("In use") : id === this.scene.reading_back ? gettext("Go back to this") : gettext("Use this");
    use.hidden = !this.store.doc.may.edit;
    use.disabled = taken || !this.store.editable;
    return item;
  }

  get voice() {
    const [engine, ...id] = part(this.form, "reader").value.split("|");
    return { engine, voice: id.join("|") };
  }

  cost() {
    part(this.form, "read-cost").textContent = this.scene?.reading_costs[this.voice.engine] ?? "";
  }

  hear(sound) {
    this.heard = sound;
    this.sound.pause();
    if (sound) {
      this.sound.src = sound;
      this.sound.play().catch(() => this.say(gettext("The sound can't be played.")));
    }
    for (const button of this.root.querySelectorAll("[data-hear-reading]")) {
      const playing = button.dataset.hearReading === sound;
      part(button, "icon-play").hidden = playing;
      part(button, "icon-pause").hidden = !playing;
    }
  }

  async use(reading, said) {
    const { id } = this.scene;
    if (await this.store.act({ do: "use_reading", scene: id, reading })) this.say(said);
  }

  async ask() {
    const { id } = this.scene;
    this.say(gettext("Asking the voice…"));
    if (!(await this.store.act({ do: "read_line", scene: id, ...this.voice, rate: part(this.form, "rate").valueAsNumber }))) {
      this.say("");
      return;
    }
    this.asked = id;
    if (this.scene.id === id) this.draw(this.store.scene(id) ?? this.scene);
  }

  say(text) {
    this.state.textContent = text;
  }
}
