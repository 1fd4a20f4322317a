// The pictures of a scene side by side: compared, chosen, gone back to, drawn again with changes, or changed in part.
import { Mask } from "./mask.js";
import { part } from "./scenes.js";
import { gettext } from "../words.js";

const SIGNALS = { picture: gettext("Looks like the words"), likeness: gettext("Looks alike"), words: gettext("Words in title, tags or speech"), relevance: gettext("Fits the lines"), quality: gettext("Quality"), freshness: gettext("Fresh"), engagement: gettext("Clicked") };

// What a score is made of, as rows of a table.
export function explained({ explain, score }) {
  return explain.map(({ name, value, weight, contribution, note }) => {
    const row = document.createElement("tr");
    const meter = document.createElement("meter");
    meter.max = 1;
    meter.value = score ? Math.max(0, Math.min(1, contribution / score)) : 0;
    meter.ariaLabel = SIGNALS[name] ?? name;
    const bar = document.createElement("td");
    bar.append(meter);
    const head = Object.assign(document.createElement("th"), { textContent: SIGNALS[name] ?? name, scope: "row" });
    const sum = Object.assign(document.createElement("td"), { textContent: Number(value).toFixed(2), className: "num" });
    sum.title = `${Number(value).toFixed(3)}, weight ${weight}: adds ${contribution.toFixed(4)} of ${score.toFixed(4)}${note ? `; ${note}` : ""}`;
    row.append(head, bar, sum);
    return row;
  });
}

export class Alternatives {
  constructor(store, body) {
    this.store = store;
    this.body = body;
    this.state = part(body, "pictures-state");
    this.dialogs = Object.fromEntries(["compare", "again", "fill"].map((id) => [id, document.getElementById(id)]));
    this.scene = null;
    this.asked = "";
    body.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button?.matches("[data-compare]")) this.compare();
      if (button?.matches("[data-again-shown]")) this.again({ ...this.scene.picture, again: this.scene.again });
      if (button?.matches("[data-back]")) this.choose(this.scene.back, gettext("That was the one before."));
    });
    part(body, "draw").addEventListener("submit", (event) => {
      event.preventDefault();
      const words = part(body, "words").value.trim();
      this.ask({ do: "draw_pictures", count: Number(part(body, "draw-count").value), words }, this.state);
    });
    part(body, "draw-count").addEventListener("change", () => this.cost());
    if (this.dialogs.compare) this.open();
  }

  // What the dialogs do; there are none for who may not edit.
  open() {
    for (const dialog of Object.values(this.dialogs)) {
      dialog?.addEventListener("click", ({ target }) => {
        if (target === dialog || target.closest("[data-close]")) dialog.close();
      });
    }
    this.dialogs.compare.addEventListener("click", ({ target }) => {
      const { use, again, fill } = target.closest("button")?.dataset ?? {};
      const of = (id) => this.scene.alternatives.find((each) => each.id === Number(id));
      if (use) this.choose(Number(use), gettext("Shown. The one before stays beside it."));
      if (again) this.again(of(again));
      if (fill) this.fill(of(fill));
    });
    part(this.dialogs.again, "again-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const said = Object.fromEntries(new FormData(event.target));
      this.send(this.dialogs.again, { do: "draw_again", asset: this.asset, ...said });
    });
    this.dialogs.again.addEventListener("change", () => this.costAgain());
    if (!this.dialogs.fill) return;
    this.mask = new Mask(this.dialogs.fill);
    part(this.dialogs.fill, "fill-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.mask.marked) {
        part(this.dialogs.fill, "state").textContent = gettext("Nothing is marked yet: paint over what should change, or give a box.");
        return;
      }
      const { words, seed } = Object.fromEntries(new FormData(event.target));
      this.send(this.dialogs.fill, { do: "fill_picture", asset: this.asset, words, seed, mask: this.mask.png() });
    });
  }

  draw(scene) {
    if (this.scene?.id !== scene.id) this.say("");
    this.scene = scene;
    const { doc, editable } = this.store;
    const asking = doc.pictures.asking.some((each) => each.kind === "draw_pictures" && each.scene === scene.id);
    part(this.body, "compare").hidden = !doc.may.edit || !scene.alternatives.length;
    part(this.body, "draw").hidden = !doc.may.edit;
    for (const button of part(this.body, "draw").elements) button.disabled = !editable || asking;
    const again = part(this.body, "again-shown");
    again.hidden = !doc.may.edit || !scene.again;
    again.disabled = !editable;
    const back = part(this.body, "back");
    back.hidden = !doc.may.edit || !scene.back;
    back.disabled = !editable;
    this.cost();
    this.list();
    if (asking) this.say(gettext("Drawing…"));
    else if (this.asked === scene.id) this.finish(scene);
  }

  finish(scene) {
    this.asked = "";
    const { failed } = this.store.doc;
    this.say(failed ? `${failed.error} ${failed.next_step}` : gettext("Drawn: %(count)s pictures to compare.", { count: scene.alternatives.length }));
  }

  cost() {
    const { estimates } = this.store.doc.pictures;
    part(this.body, "draw-cost").textContent = estimates.draw[part(this.body, "draw-count").value];
  }

  compare() {
    this.dialogs.compare.showModal();
    this.list();
  }

  list() {
    const dialog = this.dialogs.compare;
    if (!dialog?.open) return;
    const { scene } = this;
    const state = JSON.stringify([scene.id, scene.alternatives.map(({ id }) => id), scene.picture, scene.back, this.store.editable]);
    if (state === this.listed) return;
    this.listed = state;
    const { use, again, fill } = dialog.contains(document.activeElement) ? document.activeElement.dataset : {};
    const place = part(dialog, "compare-list");
    place.replaceChildren(...scene.alternatives.map((each, index) => this.one(each, index)));
    const [verb, id] = Object.entries({ use, again, fill }).find(([, value]) => value) ?? [];
    if (verb) place.querySelector(`[data-${verb}="${id}"]`)?.focus();
  }

  one(each, index) {
    const item = document.getElementById("t-compare").content.firstElementChild.cloneNode(true);
    const { scene, store } = this;
    const shown = scene.picture?.asset === each.asset && Math.abs(scene.picture.start - each.start) < 0.05;
    const image = item.querySelector("img");
    image.src = each.thumbnail;
    image.alt = each.alt || each.title;
    if (shown) image.style.objectPosition = this.crop(each);
    const name = gettext("Picture %(number)s", { number: index + 1 });
    part(item, "name").textContent = name;
    const now = part(item, "now");
    now.hidden = !shown && each.id !== scene.back;
    now.textContent = shown ? gettext("Shown now") : gettext("Shown before");
    item.toggleAttribute("data-shown", shown);
    const facts = [
      [gettext("Engine"), each.engine || gettext("Found in the library")],
      [gettext("Model"), each.model],
      [gettext("Seed"), each.seed],
      [gettext("Cost"), each.cost],
      [gettext("Words"), each.prompt],
      [gettext("Score"), each.score ? each.score.toFixed(2) : ""],
      [gettext("Made from"), each.parent?.title || (each.parent && gettext("another picture")), each.parent?.page],
    ];
    part(item, "made").append(
      ...facts.filter(([, value]) => value).flatMap(([label, value, link]) => {
        const fact = document.createElement("dd");
        fact.append(link ? Object.assign(document.createElement("a"), { href: link, textContent: value }) : value);
        return [Object.assign(document.createElement("dt"), { textContent: label }), fact];
      }),
    );
    part(item, "compare-why").hidden = !each.explain.length;
    item.querySelector("tbody").append(...explained(each));
    const [use, again, fill] = item.querySelectorAll(".compare-acts button");
    use.textContent = each.id === scene.back ? gettext("Go back to this") : gettext("Show this");
    use.disabled = shown || !store.editable;
    for (const [button, verb, able] of [[use, "use", true], [again, "again", each.again], [fill, "fill", each.kind === "image"]]) {
      if (!button) continue;
      button.dataset[verb] = each.id;
      button.hidden = !able;
      button.disabled ||= !store.editable;
      button.setAttribute("aria-label", `${button.textContent}: ${name}`);
    }
    return item;
  }

  // Where the present format crops the picture that is shown; the others' crops are found when they are rendered.
  crop({ width, height }) {
    const { doc } = this.store;
    const ratio = Number(document.body.style.getPropertyValue("--crop"));
    const variant = doc.variants.find((each) => Math.abs(each.width / each.height - ratio) < 0.01 && each.framed?.[this.scene.id]);
    const middle = this.scene.focus.length ? this.scene.focus : variant?.framed[this.scene.id] ?? [0.5, 0.5];
    const shares = [Math.min(1, (ratio * height) / width), Math.min(1, width / height / ratio)];
    return shares.map((share, side) => {
      const begin = Math.max(0, Math.min(1 - share, middle[side] - share / 2));
      return share > 0.999 ? "50%" : `${(100 * begin) / (1 - share)}%`;
    }).join(" ");
  }

  async choose(alternative, said) {
    const { id } = this.scene;
    if (await this.store.act({ do: "choose_picture", scene: id, alternative })) this.say(said);
  }

  again(each) {
    const dialog = this.dialogs.again;
    const form = part(dialog, "again-form");
    const { strength, ...values } = each.again;
    this.asset = each.asset;
    const closest = (field) => [...field.options].sort((a, b) => Math.abs(a.value - strength) - Math.abs(b.value - strength))[0];
    form.reset();
    for (const [name, value] of Object.entries(values)) if (form.elements[name]) form.elements[name].value = value;
    if (form.elements.strength) form.elements.strength.value = closest(form.elements.strength).value;
    // An unknown style or scheduler of another painter stands for this one's own.
    for (const field of [form.elements.style, form.elements.scheduler]) if (field?.selectedIndex === -1) field.selectedIndex = 0;
    this.costAgain();
    part(dialog, "state").textContent = "";
    dialog.showModal();
  }

  costAgain() {
    const { draw, redraw } = this.store.doc.pictures.estimates;
    const strength = Number(part(this.dialogs.again, "again-form").elements.strength?.value ?? 0);
    part(this.dialogs.again, "cost").textContent = strength ? redraw : draw[1];
  }

  fill(each) {
    const dialog = this.dialogs.fill;
    this.asset = each.asset;
    part(dialog, "fill-form").reset();
    part(dialog, "cost").textContent = this.store.doc.pictures.estimates.fill;
    part(dialog, "state").textContent = "";
    dialog.showModal();
    this.mask.show(each);
  }

  // From a dialog, which stays open with what is typed where the answer is no.
  async send(dialog, said) {
    if (await this.ask(said, part(dialog, "state"))) dialog.close();
  }

  async ask(said, state) {
    const { id } = this.scene;
    const refused = ({ detail }) => (state.textContent = detail.message);
    state.textContent = gettext("Asking the painter…");
    this.store.addEventListener("failed", refused);
    const done = await this.store.act({ ...said, scene: id });
    this.store.removeEventListener("failed", refused);
    if (!done) return false;
    // Only now: a save that was under way draws, too, and would take the answer for given.
    this.asked = id;
    state.textContent = "";
    if (this.scene.id === id) this.draw(this.store.scene(id) ?? this.scene);
    return true;
  }

  say(text) {
    this.state.textContent = text;
    if (this.dialogs.compare) part(this.dialogs.compare, "state").textContent = text;
  }
}
