// Other words for the chosen scene: the writer is asked, and what it offers stands beside the old words until it is taken.
import { part } from "./scenes.js";
import { gettext } from "../words.js";

export class Wording {
  constructor(store, body) {
    this.store = store;
    this.root = part(body, "wording");
    this.state = part(this.root, "wording-state");
    this.scene = null;
    this.asked = "";
    body.addEventListener("click", (event) => {
      const { ask, take, keep } = event.target.closest("button")?.dataset ?? {};
      if (ask) this.ask(ask);
      if (take) this.settle("use_words", Number(take), gettext("Taken. The old words stand below, to go back to."));
      if (keep) this.settle("dismiss_words", Number(keep), gettext("Kept as it was."));
    });
    part(this.root, "own").addEventListener("submit", (event) => {
      event.preventDefault();
      const field = part(this.root, "own-words");
      if (field.value.trim()) this.ask("own", field.value.trim());
    });
    this.body = body;
  }

  draw(scene) {
    if (this.scene?.id !== scene.id) this.say("");
    this.scene = scene;
    const { wording } = this.store.doc;
    const asking = wording.asking.filter((each) => each.scene === scene.id);
    for (const button of this.body.querySelectorAll("[data-ask]")) {
      button.hidden = !this.store.doc.may.edit || (!wording.can.includes(button.dataset.ask) && button.dataset.ask !== "shorter");
      button.disabled = !this.store.editable || asking.length > 0 || !wording.can.includes(button.dataset.ask);
    }
    this.root.hidden = !this.store.doc.may.edit;
    part(this.root, "own").hidden = !wording.can.includes("own");
    part(this.root, "wording-cost").textContent = wording.can.length ? wording.estimate : "";
    part(this.root, "wording-cannot").textContent = wording.can.includes("own") ? "" : wording.cannot;
    const state = JSON.stringify([scene.id, scene.words, this.store.editable]);
    if (state !== this.drawn) part(this.root, "word-offers").replaceChildren(...scene.words.toReversed().map((each) => this.offer(each)));
    this.drawn = state;
    if (asking.length) this.say(gettext("Writing…"));
    else if (this.asked === scene.id) this.finish(scene);
  }

  // The writer was asked from here, and is no longer at it.
  finish(scene) {
    this.asked = "";
    this.live("");
    const { failed } = this.store.doc;
    const offered = scene.words.at(-1);
    this.say(failed ? `${failed.error} ${failed.next_step}` : offered ? gettext("Compare, then choose.") : "");
    if (!failed && offered) part(this.root, "word-offers").querySelector("button")?.focus();
  }

  offer({ id, label, difference, by, flags, kind }) {
    const item = document.getElementById("t-word-offer").content.firstElementChild.cloneNode(true);
    part(item, "label").textContent = kind === "before" ? gettext("As it was before") : label;
    part(item, "by").textContent = by;
    part(item, "difference").append(
      ...difference.map(([verb, text]) =>
        verb === "same" ? text : Object.assign(document.createElement(verb === "cut" ? "del" : "ins"), { textContent: text }),
      ),
    );
    part(item, "word-flags").replaceChildren(...flags.map(flagged));
    const [take, keep] = item.querySelectorAll("button");
    take.dataset.take = keep.dataset.keep = id;
    take.disabled = keep.disabled = !this.store.editable;
    if (kind === "before") {
      take.textContent = gettext("Go back to this");
      keep.textContent = gettext("Forget it");
    }
    return item;
  }

  async ask(what, words = "") {
    const { id } = this.scene;
    this.say(gettext("Asking the writer…"));
    if (!(await this.store.act({ do: "ask_words", scene: id, what, words }))) {
      this.say("");
      return;
    }
    // Only now: a save that was under way draws, too, and would take the answer for given.
    this.asked = id;
    if (this.scene.id === id) this.draw(this.store.scene(id) ?? this.scene);
  }

  async settle(verb, words, said) {
    const { id } = this.scene;
    if (await this.store.act({ do: verb, scene: id, words })) this.say(said);
  }

  // What the writer has written so far.
  live(text) {
    const place = part(this.root, "live-words");
    place.hidden = !text;
    place.textContent = text;
  }

  say(text) {
    this.state.textContent = text;
  }
}

// Words as they are written: each event says what is new, and at which character it goes on.
export class Telling {
  constructor(tell) {
    this.tell = tell;
    this.texts = new Map();
  }

  take({ job, data }) {
    const text = (this.texts.get(job) ?? "").slice(0, data.at) + data.text;
    this.texts.set(job, text);
    this.tell(data.scene ?? "", text);
  }
}

const NOT_IN = { "": gettext("Not in the article: "), on_screen: gettext("On screen, but not in the article: "), title: gettext("In the headline, but not in the article: ") };

// A name or number that the article doesn't hold, with the sentence of it that is most alike.
export function flagged({ what, nearest, where }) {
  const item = document.createElement("li");
  item.append(NOT_IN[where], Object.assign(document.createElement("strong"), { textContent: what }));
  item.append(nearest ? gettext(". It says: “%(nearest)s”", { nearest }) : ".");
  return item;
}

// Headlines on offer, under the headline.
export function headlines(store, root) {
  const list = part(root, "headline-list");
  const ask = part(root, "ask-headlines");
  const state = part(root, "headline-state");
  let asked = false;
  const flags = document.querySelector("[data-title-flags]");
  const draw = () => {
    const { doc } = store;
    flags.hidden = !doc.wording.flags.length || store.pending.has(".title");
    flags.replaceChildren(...doc.wording.flags.map(flagged));
    root.hidden = !doc.may.edit || !doc.scenes.length || !doc.wording.can.includes("headlines");
    const asking = doc.wording.asking.some(({ what }) => what === "headlines");
    ask.disabled = asking || !store.editable;
    list.replaceChildren(
      ...doc.wording.headlines.map(({ text, flags: found }) => {
        const item = document.createElement("li");
        const button = Object.assign(document.createElement("button"), { type: "button", className: "menu-item", textContent: text });
        button.disabled = !store.editable;
        button.addEventListener("click", async () => {
          root.open = false;
          await store.act({ do: "edit_story", title: text });
        });
        item.append(button);
        if (found.length) {
          const beside = Object.assign(document.createElement("ul"), { className: "scene-flags small pad" });
          beside.append(...found.map(flagged));
          item.append(beside);
        }
        return item;
      }),
    );
    if (asking) state.textContent = gettext("Writing…");
    else if (asked) {
      asked = false;
      state.textContent = doc.failed ? `${doc.failed.error} ${doc.failed.next_step}` : `${doc.wording.headlines.length} headlines.`;
    }
  };
  ask.addEventListener("click", async () => {
    state.textContent = gettext("Asking the writer…");
    asked = Boolean(await store.act({ do: "ask_words", what: "headlines" }));
    if (asked) draw();
    else state.textContent = "";
  });
  store.addEventListener("changed", draw);
  draw();
}
