// The scenes: narration as text, in the order in which it is spoken.
import { toast } from "../toasts.js";
import { both } from "./conflicts.js";
import { uuid } from "./kept.js";
import { arrange } from "./order.js";
import { flagged } from "./wording.js";
import { gettext } from "../words.js";

export class Scenes {
  constructor(store, root, { choose }) {
    this.store = store;
    this.list = root.querySelector("[data-scenes]");
    this.root = root;
    this.choose = choose;
    this.showSources = false;
    this.current = "";
    this.live = document.querySelector("[data-live-region]");
    root.querySelector("[data-add]").addEventListener("click", () => this.add(this.store.doc.scenes.length));
    const sources = root.querySelector("[data-sources]");
    sources.addEventListener("click", () => {
      this.showSources = !this.showSources;
      sources.setAttribute("aria-pressed", String(this.showSources));
      this.draw();
    });
    this.list.addEventListener("input", (event) => this.typed(event));
    this.list.addEventListener("click", (event) => this.clicked(event));
    this.list.addEventListener("focusin", (event) => {
      const scene = event.target.closest("[data-scene]");
      if (scene && event.target.matches("textarea, [data-select]")) choose(scene.dataset.scene);
    });
    arrange(this.list, (scene, position) => this.move(scene, position));
    store.addEventListener("changed", () => this.draw());
    store.addEventListener("clash", () => this.draw());
    store.addEventListener("refused", () => this.draw());
    this.draw();
  }

  draw() {
    const { doc } = this.store;
    const kept = new Map([...this.list.children].map((row) => [row.dataset.scene, row]));
    const rows = doc.scenes.map((scene, index) => this.row(kept.get(scene.id) ?? this.make(), scene, index));
    // Rows move only where the order changed: a moved row would lose the caret.
    rows.forEach((row, index) => {
      if (this.list.children[index] !== row) this.list.insertBefore(row, this.list.children[index] ?? null);
    });
    while (this.list.children.length > rows.length) this.list.lastElementChild.remove();
    const total = doc.scenes.reduce((sum, scene) => sum + scene.seconds, 0);
    this.root.querySelector("[data-total]").textContent = doc.scenes.length ? ` · ${total.toFixed(1)} s` : "";
    this.root.querySelector("[data-waiting]").hidden = doc.scenes.length > 0 || doc.state !== "making";
    this.root.querySelector("[data-add]").hidden = !this.store.editable || !doc.scenes.length;
  }

  make() {
    return document.getElementById("t-scene").content.firstElementChild.cloneNode(true);
  }

  row(row, scene, index) {
    const name = gettext("Scene %(number)s", { number: index + 1 });
    const editable = this.store.editable;
    row.dataset.scene = scene.id;
    row.toggleAttribute("data-current", scene.id === this.current);
    part(row, "number").textContent = name;
    const seconds = part(row, "seconds");
    seconds.textContent = `${scene.exact ? "" : "≈ "}${scene.seconds.toFixed(1)} s`;
    seconds.title = scene.exact ? gettext("As it was spoken") : gettext("Estimated from the words, until it is spoken");
    const grip = part(row, "grip");
    grip.ariaLabel = gettext("Move: %(name)s", { name });
    grip.hidden = !editable;
    part(row, "select").ariaLabel = gettext("Show: %(name)s", { name });
    part(row, "menu-name").ariaLabel = gettext("More: %(name)s", { name });
    row.querySelector("details.menu").hidden = !editable;
    row.querySelector('[data-do="up"]').disabled = index === 0;
    row.querySelector('[data-do="down"]').disabled = index === this.store.doc.scenes.length - 1;
    const image = row.querySelector(".thumb img");
    if (scene.picture && image.getAttribute("src") !== scene.picture.thumbnail) image.src = scene.picture.thumbnail;
    if (!scene.picture) image.removeAttribute("src");
    if (scene.picture?.colour) image.parentElement.style.backgroundColor = scene.picture.colour;
    const text = row.querySelector("textarea");
    text.id = `narration-${scene.id}`;
    const label = part(row, "for");
    label.htmlFor = text.id;
    label.textContent = gettext("Narration: %(name)s", { name });
    text.lang = this.store.doc.language;
    text.readOnly = !editable;
    const value = this.store.value(scene.id, "narration");
    if (text.value !== value) text.value = value;
    this.sources(part(row, "scene-sources"), scene);
    const flags = part(row, "scene-flags");
    // What is being typed isn't compared yet.
    const found = scene.flags.filter(({ where }) => !this.store.pending.has(`${scene.id}.${where || "narration"}`));
    flags.hidden = !found.length;
    flags.replaceChildren(...found.map(flagged));
    const late = part(row, "late");
    late.hidden = !scene.late || this.store.pending.has(`${scene.id}.narration`);
    if (scene.late) late.textContent = gettext("Takes %(seconds)s s to say; the original takes %(room)s s.", scene.late);
    this.clash(part(row, "clash"), scene, name);
    return row;
  }

  sources(place, scene) {
    place.hidden = !this.showSources;
    if (!this.showSources) return;
    const quotes = scene.sources.map(({ number, text }) => {
      const item = document.createElement("li");
      item.textContent = text;
      item.title = gettext("Sentence %(number)s of the article", { number });
      return item;
    });
    if (!quotes.length) quotes.push(Object.assign(document.createElement("li"), { textContent: gettext("Rests on no sentence of the article.") }));
    place.replaceChildren(...quotes);
  }

  clash(place, scene, name) {
    const edit = this.store.pending.get(`${scene.id}.narration`);
    place.hidden = edit?.clash === undefined;
    if (!place.hidden) place.replaceChildren(...both(this.store, edit, name.toLowerCase()));
  }

  mark(id) {
    this.current = id;
    for (const row of this.list.children) row.toggleAttribute("data-current", row.dataset.scene === id);
  }

  typed(event) {
    if (!event.target.matches("textarea")) return;
    const scene = event.target.closest("[data-scene]").dataset.scene;
    this.store.type(scene, "narration", event.target.value);
  }

  clicked(event) {
    const row = event.target.closest("[data-scene]");
    const act = event.target.closest("[data-do]")?.dataset.do;
    if (!row || !act) return;
    row.querySelector("details.menu").open = false;
    const index = this.store.doc.scenes.findIndex((scene) => scene.id === row.dataset.scene);
    if (act === "up") this.move(row.dataset.scene, index - 1);
    if (act === "down") this.move(row.dataset.scene, index + 1);
    if (act === "add") this.add(index + 1);
    if (act === "remove") this.remove(index);
  }

  async move(id, position) {
    const last = this.store.doc.scenes.length - 1;
    const to = Math.max(0, Math.min(position, last));
    if (!this.store.editable || this.store.doc.scenes.findIndex((scene) => scene.id === id) === to) return;
    const focused = document.activeElement;
    if (await this.store.act({ do: "move_scene", scene: id, position: to })) {
      this.live.textContent = gettext("Now scene %(place)s of %(all)s.", { place: to + 1, all: last + 1 });
      if (focused?.isConnected) focused.focus();
    }
  }

  add(position) {
    const id = uuid();
    this.store.act({ do: "add_scene", position, id, narration: gettext("Write what is said here.") });
    // It is shown ahead: whoever asked for it may write at once.
    const text = this.list.querySelector(`[data-scene="${id}"] textarea`);
    if (!text) return;
    this.choose(id);
    text.focus();
    text.select();
  }

  async remove(index) {
    const gone = this.store.doc.scenes[index];
    const key = uuid();
    if (!(await this.store.act({ do: "remove_scene", scene: gone.id, key }))) return;
    this.live.textContent = gettext("Scene %(number)s removed.", { number: index + 1 });
    const neighbour = this.store.doc.scenes[Math.min(index, this.store.doc.scenes.length - 1)];
    this.choose(neighbour.id);
    this.list.children[Math.min(index, this.list.children.length - 1)].querySelector("textarea").focus();
    const act = async () => (await this.store.takeBack(key)) && this.choose(gone.id);
    toast(gettext("Scene %(number)s removed.", { number: index + 1 }), { label: gettext("Undo"), act, seconds: 10 });
  }
}

export function part(root, name) {
  return root.querySelector(`[data-${name}]`);
}
