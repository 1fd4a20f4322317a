// Comments on the story, a scene or a second of the video: threads with answers, resolved and opened again; "@" names people.
import { toast } from "../toasts.js";
import { part } from "./scenes.js";
import { gettext } from "../words.js";

export class Comments {
  constructor(store, root, { comments, stage, choose }) {
    this.store = store;
    this.root = root;
    this.address = comments;
    this.stage = stage;
    this.choose = choose;
    this.scene = "";
    this.threads = [];
    this.people = [];
    this.toggle = document.querySelector("[data-talk-toggle]");
    this.list = part(root, "threads");
    this.form = part(root, "say");
    this.toggle.addEventListener("click", () => this.open(root.hidden));
    part(root, "talk-close").addEventListener("click", () => this.open(false));
    root.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && this.open(false));
    part(root, "all").addEventListener("change", () => this.draw());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.say();
    });
    mentions(this.form.elements.text, () => this.people);
    this.form.elements.about.addEventListener("change", () => this.about());
    store.addEventListener("changed", () => this.count());
    this.count();
    if (location.hash === "#comments" || location.hash.startsWith("#scene-")) this.arrive(location.hash.slice(7));
  }

  arrive(scene) {
    queueMicrotask(() => {
      if (this.store.scene(scene)) this.choose(scene);
      this.open(true);
    });
  }

  open(open) {
    this.root.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (open) this.load().then(() => this.form.elements.text.focus());
    else this.toggle.focus();
  }

  count() {
    const open = this.threads.length ? this.threads.filter(({ resolved }) => !resolved).length : this.store.doc.open_comments;
    part(this.toggle, "count").textContent = open || "";
    this.toggle.ariaLabel = open ? gettext("Comments, %(open)s open", { open }) : gettext("Comments");
  }

  show(scene) {
    this.scene = scene;
    if (this.root.hidden) return;
    this.about();
    this.draw();
  }

  // What the next comment is about: the scene, the second that the video stands at, or all of it.
  about() {
    const { about } = this.form.elements;
    const number = this.number(this.scene);
    about.querySelector("[value=scene]").textContent = number ? gettext("Scene %(number)s", { number }) : gettext("This scene");
    about.querySelector("[value=scene]").disabled = !number;
    const at = this.stage.second();
    about.querySelector("[value=second]").textContent = at === null ? gettext("A second of the video") : gettext("The video at %(time)s", { time: clock(at) });
    about.querySelector("[value=second]").disabled = at === null;
    if (about.selectedOptions[0]?.disabled ?? true) about.value = number ? "scene" : "story";
  }

  number(scene) {
    return this.store.doc.scenes.findIndex(({ id }) => id === scene) + 1;
  }

  async load() {
    try {
      const answer = await fetch(this.address, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      this.take(await answer.json());
    } catch {
      // Offline: what was loaded stays.
    }
  }

  take({ threads, people }) {
    this.threads = threads;
    this.people = people;
    this.store.doc.open_comments = threads.filter(({ resolved }) => !resolved).length;
    this.count();
    if (this.root.hidden) return;
    this.about();
    this.draw();
  }

  async post(said) {
    try {
      const answer = await fetch(this.address, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": document.body.dataset.csrf },
        body: JSON.stringify(said),
        redirect: "manual",
      });
      const body = answer.type === "opaqueredirect" ? { message: gettext("You are signed out."), next_step: gettext("Sign in, then send it again.") } : await answer.json();
      if (answer.ok) {
        this.take(body);
        return true;
      }
      toast(`${body.message} ${body.next_step ?? ""}`.trim(), { seconds: 9 });
    } catch {
      toast(gettext("No connection: your words stay here, send them again in a moment."), { seconds: 9 });
    }
    return false;
  }

  async say() {
    const { text, about } = this.form.elements;
    if (!text.value.trim()) return text.focus();
    const said = { do: "say", text: text.value };
    if (about.value === "scene") said.scene = this.scene;
    if (about.value === "second") said.second = this.stage.second();
    if (await this.post(said)) text.value = "";
  }

  draw() {
    const all = part(this.root, "all").checked;
    const shown = this.threads.filter((each) => (all || !each.resolved) && (!each.scene || each.scene === this.scene || all || !this.number(each.scene)));
    const elsewhere = this.threads.filter((each) => !each.resolved && !shown.includes(each)).length;
    part(this.root, "elsewhere").textContent = shown.length
      ? elsewhere ? gettext("%(elsewhere)s more in other scenes.", { elsewhere }) : ""
      : elsewhere ? gettext("Nothing here; %(elsewhere)s open in other scenes.", { elsewhere }) : gettext("Nothing said yet.");
    const typed = new Map([...this.list.querySelectorAll("[data-answer]")].map((form) => [form.dataset.answer, form.elements.text.value]));
    const focused = document.activeElement?.form?.dataset.answer;
    this.list.replaceChildren(...shown.map((each) => this.thread(each, typed.get(String(each.id)) ?? "")));
    if (focused) this.list.querySelector(`[data-answer="${focused}"]`)?.elements.text.focus();
  }

  thread(thread, typed) {
    const item = document.getElementById("t-thread").content.firstElementChild.cloneNode(true);
    item.toggleAttribute("data-resolved", Boolean(thread.resolved));
    const place = part(item, "place");
    const number = this.number(thread.scene);
    place.hidden = !thread.scene && thread.second === null;
    place.textContent = thread.second !== null ? gettext("At %(time)s", { time: clock(thread.second) }) : number ? gettext("Scene %(number)s", { number }) : gettext("A scene that is gone");
    place.disabled = thread.second === null && !number;
    place.addEventListener("click", () => (thread.second !== null ? this.stage.goTo(thread.second) : this.choose(thread.scene)));
    part(item, "said").append(...[thread, ...thread.answers].map((each) => this.comment(each)));
    const settle = part(item, "settle");
    settle.textContent = thread.resolved ? gettext("Open again") : gettext("Resolve");
    settle.addEventListener("click", () => this.post({ do: thread.resolved ? "reopen" : "resolve", comment: thread.id }));
    part(item, "resolved-by").textContent = thread.resolved ? gettext("Resolved by %(person)s", { person: thread.resolved }) : thread.guest_sees ? gettext("They read the answers to this.") : "";
    const form = item.querySelector("form");
    form.dataset.answer = thread.id;
    form.elements.text.value = typed;
    mentions(form.elements.text, () => this.people);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { text } = form.elements;
      const words = text.value;
      text.value = "";
      if (words.trim() && !(await this.post({ do: "say", text: words, thread: thread.id }))) text.value = words;
    });
    return item;
  }

  comment({ id, by, mine, guest, text, created }) {
    const item = document.createElement("li");
    const head = Object.assign(document.createElement("p"), { className: "small" });
    const when = new Date(created);
    head.append(
      Object.assign(document.createElement("strong"), { textContent: by }),
      Object.assign(document.createElement("span"), { className: "muted", textContent: `${guest ? ` · ${gettext("through a link")}` : ""} · ${when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}` }),
    );
    if (mine) {
      const remove = Object.assign(document.createElement("button"), { type: "button", className: "btn quiet small remove-comment", textContent: gettext("Delete") });
      remove.addEventListener("click", () => confirm(gettext("Delete your comment?")) && this.post({ do: "remove", comment: id }));
      head.append(remove);
    }
    const said = Object.assign(document.createElement("p"), { dir: "auto", className: "said" });
    for (const piece of text.split(/(@[\w.+-]*\w)/)) {
      const known = piece.startsWith("@") && this.people.some(({ username }) => username.toLowerCase() === piece.slice(1).toLowerCase());
      said.append(known ? Object.assign(document.createElement("strong"), { textContent: piece }) : piece);
    }
    item.append(head, said);
    return item;
  }
}

export function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

// "@" in a field offers people; Enter or Tab takes one.
function mentions(field, people) {
  const list = Object.assign(document.createElement("ul"), { className: "mention-list", hidden: true, role: "listbox", ariaLabel: gettext("People") });
  list.id = `mentions-${Math.random().toString(36).slice(2)}`;
  field.after(list);
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("aria-autocomplete", "list");
  let chosen = 0;
  const asked = () => /(?:^|\s)@([\w.+-]*)$/.exec(field.value.slice(0, field.selectionStart));
  const draw = () => {
    const word = asked()?.[1].toLowerCase();
    const found = word === undefined ? [] : people().filter(({ username, name }) => username.toLowerCase().startsWith(word) || name.toLowerCase().startsWith(word)).slice(0, 6);
    chosen = Math.min(chosen, Math.max(0, found.length - 1));
    list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(!list.hidden));
    list.replaceChildren(
      ...found.map(({ username, name }, index) => {
        const item = Object.assign(document.createElement("li"), { role: "option", textContent: name === username ? `@${username}` : `@${username} · ${name}`, id: `${list.id}-${index}` });
        item.setAttribute("aria-selected", String(index === chosen));
        item.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(username);
        });
        item.dataset.username = username;
        return item;
      }),
    );
    if (list.hidden) field.removeAttribute("aria-activedescendant");
    else field.setAttribute("aria-activedescendant", `${list.id}-${chosen}`);
  };
  const take = (username) => {
    const start = field.selectionStart - asked()[1].length;
    field.setRangeText(`${username} `, start, field.selectionStart, "end");
    draw();
  };
  field.addEventListener("input", draw);
  field.addEventListener("blur", () => (list.hidden = true));
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) chosen = (chosen + step + list.children.length) % list.children.length;
    else if (event.key === "Enter" || event.key === "Tab") return event.preventDefault(), take(list.children[chosen].dataset.username);
    else if (event.key === "Escape") return event.preventDefault(), (list.hidden = true);
    else return;
    event.preventDefault();
    draw();
  });
}
