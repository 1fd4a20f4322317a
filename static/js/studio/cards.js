// A story's card as the server draws it, with the lines that it will have: no second way of laying it out here.
import { part } from "./scenes.js";
import { gettext } from "../words.js";

const WAIT = 350;
const KINDS = { png: "PNG", jpg: "JPEG", webp: "WebP", avif: "AVIF" };

export class Cards {
  constructor(store, root) {
    this.store = store;
    this.root = root;
    this.page = 1;
    this.timer = 0;
    this.asked = 0;
    this.layouts = part(root, "layouts");
    this.poll = part(root, "poll");
    part(root, "page-back").addEventListener("click", () => this.turn(-1));
    part(root, "page-on").addEventListener("click", () => this.turn(1));
    this.layouts.addEventListener("change", () => {
      this.page = 1; // another layout may have one card only
      store.type("", "layout", this.layouts.value);
    });
    this.poll.addEventListener("input", () => {
      const answers = this.poll.value.split("\n").map((line) => line.trim()).filter(Boolean);
      if (answers.length === 0 || answers.length === 2) store.type("", "poll", answers.join("\n"));
    });
    store.addEventListener("refused", ({ detail }) => detail.field === "layout" && this.say(detail.why));
  }

  get address() {
    return this.store.doc.cards.preview.replace("FORMAT.webp", `${this.variant.format.split(":")[1]}.`);
  }

  // Draw it again if what it is made from has changed; the old picture stays until the new one is there.
  show(variant) {
    const { store } = this;
    this.variant = variant;
    this.choices();
    this.downloads();
    const layout = store.value("", "layout");
    const query = new URLSearchParams({ layout, page: this.page, title: store.value("", "title"), summary: store.value("", "summary") });
    // The version: other edits change the card too.
    const wanted = `${this.address}webp?${query}&${store.doc.version}`;
    if (wanted === this.wanted) return;
    const other = this.wanted?.split("?")[0] !== wanted.split("?")[0];
    this.wanted = wanted;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.draw(`${this.address}webp?${query}`), other ? 0 : WAIT);
  }

  async draw(address) {
    const turn = ++this.asked;
    const answer = await fetch(address).catch(() => null);
    if (turn !== this.asked) return;
    if (!answer?.ok || answer.redirected) {
      const why = answer?.status === 422 ? await answer.json() : { message: gettext("The card can't be shown now."), next_step: gettext("Try again in a moment.") };
      this.say(`${why.message} ${why.next_step}`.trim());
      return;
    }
    const image = part(this.root, "card-image");
    const old = image.src;
    image.src = URL.createObjectURL(await answer.blob());
    image.alt = `${this.variant.label}: ${this.store.value("", "title")}`;
    image.hidden = false;
    this.say("");
    if (old) URL.revokeObjectURL(old);
  }

  choices() {
    const { layouts, chosen, why, pages } = this.store.doc.cards;
    const state = JSON.stringify([layouts, chosen, this.store.editable]);
    const value = this.store.value("", "layout");
    if (state !== this.drawn) {
      this.drawn = state;
      const title = layouts.find(({ name }) => name === chosen).title;
      this.layouts.replaceChildren(
        new Option(gettext("What fits: %(title)s", { title }), ""),
        ...layouts.map(({ name, title: said, lacks }) => {
          const option = new Option(said, name);
          option.disabled = Boolean(lacks);
          option.title = lacks;
          return option;
        }),
      );
      this.layouts.disabled = this.poll.disabled = !this.store.editable;
    }
    if (document.activeElement !== this.layouts) this.layouts.value = value;
    if (document.activeElement !== this.poll) this.poll.value = this.store.value("", "poll");
    const missing = layouts.filter(({ lacks }) => lacks).map(({ title, lacks }) => `${title}: ${lacks}`);
    part(this.root, "layout-why").textContent = value ? "" : gettext("Chosen because %(why)s.", { why });
    this.layouts.title = missing.join("\n");
    this.page = Math.min(this.page, pages);
    part(this.root, "pages").hidden = pages < 2;
    part(this.root, "page-number").textContent = `${this.page} / ${pages}`;
  }

  downloads() {
    if (this.listed === `${this.address}${this.page}`) return;
    this.listed = `${this.address}${this.page}`;
    const link = (label, kind) =>
      Object.assign(document.createElement("a"), { className: "menu-item", textContent: label, href: `${this.address}${kind}?download&page=${this.page}` });
    const links = Object.entries(KINDS).map(([kind, label]) => link(label, kind));
    if (this.store.doc.cards.pages > 1) links.push(link(gettext("All cards, zipped"), "zip"));
    part(this.root, "downloads").replaceChildren(...links);
  }

  turn(by) {
    this.page = Math.max(1, Math.min(this.store.doc.cards.pages, this.page + by));
    this.show(this.variant);
  }

  say(text) {
    const place = part(this.root, "card-said");
    place.textContent = text;
    place.hidden = !text;
  }
}
