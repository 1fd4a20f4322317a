// Who else has the story open, and in which scene they are.
import { gettext } from "../words.js";

const EVERY = 15_000;
const GONE_AFTER = 45_000;

export class Presence {
  constructor(store, root, list, { here }) {
    this.store = store;
    this.root = root;
    this.list = list;
    this.address = here;
    this.scene = "";
    this.others = new Map(); // id -> {name, initials, scene, seen}
    this.take(store.doc.others);
    setInterval(() => this.say(), EVERY);
    addEventListener("pagehide", () => this.leave());
    addEventListener("pageshow", (event) => event.persisted && this.say());
    store.addEventListener("changed", () => this.draw());
    this.say();
  }

  // This person is in another scene now.
  go(scene) {
    if (scene === this.scene) return;
    this.scene = scene;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.say(), 300);
  }

  async say() {
    try {
      const answer = await fetch(this.address, { method: "POST", body: this.form({ scene: this.scene }), redirect: "manual" });
      if (answer.ok) this.take((await answer.json()).others);
    } catch {
      this.draw(); // offline: others fade by their age
    }
  }

  leave() {
    navigator.sendBeacon(this.address, this.form({ leaving: "1" }));
  }

  form(fields) {
    const form = new FormData();
    form.append("csrfmiddlewaretoken", document.body.dataset.csrf);
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return form;
  }

  take(others) {
    this.others = new Map(others.map((other) => [other.id, { ...other, seen: Date.now() }]));
    this.draw();
  }

  // An event of the stream: somebody came, moved or went.
  hear({ person, data }) {
    if (person === this.store.person) return;
    if (data.gone) this.others.delete(person);
    else this.others.set(person, { ...data, id: person, seen: Date.now() });
    this.draw();
  }

  draw() {
    const there = [...this.others.values()].filter(({ seen }) => Date.now() - seen < GONE_AFTER);
    const state = JSON.stringify([there.map(({ id, scene }) => [id, scene]), this.store.doc.scenes.map(({ id }) => id)]);
    if (state === this.drawn) return;
    this.drawn = state;
    this.root.replaceChildren(...there.map((other) => face(other, this.place(other))));
    this.root.hidden = !there.length;
    for (const row of this.list.children) {
      const inside = there.filter(({ scene }) => scene === row.dataset.scene);
      const place = row.querySelector("[data-here]");
      place.hidden = !inside.length;
      place.replaceChildren(...inside.map((other) => face(other, gettext("%(name)s is in this scene", { name: other.name }))));
    }
  }

  place({ name, scene }) {
    const number = this.store.doc.scenes.findIndex(({ id }) => id === scene) + 1;
    return number ? gettext("%(name)s is in scene %(number)s", { name, number }) : gettext("%(name)s is here, too", { name });
  }
}

function face({ id, initials }, title) {
  const mark = Object.assign(document.createElement("li"), { className: "face", title });
  mark.dataset.hue = id % 6;
  mark.append(Object.assign(document.createElement("span"), { textContent: initials, ariaHidden: "true" }), Object.assign(document.createElement("span"), { className: "sr", textContent: title }));
  return mark;
}
