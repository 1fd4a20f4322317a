// The story as this tab knows it: what the server said, what is typed and not yet saved, and the way back to the server.
// Edits are operations that name the version they were made on. What is typed is kept on this device until it is saved.
import { gettext } from "../words.js";
const WAIT = 500;
const AGAIN = 5000;

export class Store extends EventTarget {
  constructor(document_, { edit, document: read }) {
    super();
    this.doc = document_;
    this.addresses = { edit, read };
    this.key = `storyloom.story.${document_.id}`;
    this.pending = new Map(); // "scene.field" -> {scene, field, value, base, clash?, refused?}
    this.line = Promise.resolve();
    this.timer = 0;
    this.recover();
    addEventListener("online", () => this.flush());
    addEventListener("beforeunload", (event) => {
      if (this.pending.size && !navigator.onLine) event.preventDefault();
    });
  }

  scene(id) {
    return this.doc.scenes.find((scene) => scene.id === id);
  }

  get editable() {
    return this.doc.may.edit && this.doc.state !== "making";
  }

  // What stands in a field: typed, else saved. `scene` is "" for the story's own fields.
  value(scene, field) {
    return this.pending.get(`${scene}.${field}`)?.value ?? this.saved(scene, field);
  }

  saved(scene, field, doc = this.doc) {
    return scene ? doc.scenes.find((each) => each.id === scene)?.[field] : doc[field];
  }

  type(scene, field, value) {
    const key = `${scene}.${field}`;
    const base = this.pending.get(key)?.base ?? this.saved(scene, field);
    if (value === base) this.pending.delete(key);
    else this.pending.set(key, Object.assign(this.pending.get(key) ?? { scene, field, base }, { value }));
    this.keep();
    this.tell("typed", { scene, field });
    this.say(this.pending.size ? gettext("Saving…") : gettext("Saved"));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), WAIT);
  }

  // Save everything typed; resolves when that is done or can't be done now.
  flush() {
    clearTimeout(this.timer);
    this.line = this.line.then(() => this.saveAll());
    return this.line;
  }

  async saveAll() {
    for (const [key, edit] of [...this.pending]) {
      if (edit.clash !== undefined || edit.refused === edit.value) continue;
      if (edit.scene && !this.scene(edit.scene)) {
        this.pending.delete(key);
        continue;
      }
      if (!(await this.save(key, edit))) break;
    }
    this.keep();
    this.summary();
  }

  async save(key, edit) {
    const said = edit.scene ? { do: "edit_scene", scene: edit.scene } : { do: "edit_story" };
    const { value } = edit;
    edit.sent = value;
    const { status, body } = await this.post({ ...said, [edit.field]: value });
    if (status === 200) {
      this.adopt(body);
      return true;
    }
    if (status === 409) {
      this.adopt(body.document);
      const now = this.pending.get(key);
      // Somebody changed something else: the same words, on the version that there is now.
      return now && now.clash === undefined ? this.save(key, now) : true;
    }
    if (status === 422) {
      edit.refused = value;
      edit.why = `${body.message} ${body.next_step}`.trim();
      this.tell("refused", edit);
      return true;
    }
    this.timer = setTimeout(() => this.flush(), AGAIN);
    return false;
  }

  // After a clash: keep what is typed here, or take what somebody else wrote.
  settle(scene, field, { mine }) {
    const key = `${scene}.${field}`;
    const edit = this.pending.get(key);
    if (!edit) return;
    if (mine) {
      edit.base = edit.clash;
      delete edit.clash;
    } else {
      this.pending.delete(key);
    }
    this.tell("changed");
    this.flush();
  }

  // Do another operation, after what is typed is saved. Returns the new document, or null with a message told.
  act(said) {
    const done = this.flush().then(async () => {
      this.say(gettext("Saving…"));
      let { status, body } = await this.post(said);
      if (status === 409) {
        this.adopt(body.document);
        if (!said.scene || this.scene(said.scene)) ({ status, body } = await this.post(said));
      }
      if (status === 200) {
        this.adopt(body);
        this.summary();
        return body;
      }
      this.say(status ? gettext("Not done") : gettext("Offline"));
      this.tell("failed", { message: status ? `${body.message} ${body.next_step ?? ""}`.trim() : gettext("No connection: try again in a moment.") });
      return null;
    });
    this.line = done.catch(() => null);
    return this.line;
  }

  async post(said) {
    try {
      const answer = await fetch(this.addresses.edit, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": document.body.dataset.csrf },
        body: JSON.stringify({ ...said, version: this.doc.version }),
        redirect: "manual",
      });
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        this.say(gettext("Signed out: your words are kept on this device"), "danger");
        return { status: 0, body: {} };
      }
      return { status: answer.status, body: await answer.json() };
    } catch {
      this.say(gettext("Offline: kept on this device"), "warn");
      return { status: 0, body: {} };
    }
  }

  // Look again: something happened to the story elsewhere.
  async look() {
    try {
      const answer = await fetch(this.addresses.read);
      if (answer.ok && !answer.redirected) this.adopt(await answer.json());
    } catch {
      // The stream brings us back here when the connection does.
    }
  }

  adopt(doc) {
    if (doc.version < this.doc.version) return;
    const was = this.doc;
    this.doc = doc;
    this.compare();
    this.tell("changed", { was });
    if (was.state === "making" && doc.state !== "making" && this.pending.size) this.flush();
  }

  // What is typed here and what is saved there may have grown apart: never overwrite somebody's words unasked.
  compare() {
    for (const [key, edit] of this.pending) {
      const saved = this.saved(edit.scene, edit.field);
      if (saved === undefined) continue;
      if (saved === edit.value) {
        this.pending.delete(key);
      } else if (saved === edit.sent) {
        edit.base = saved; // our own words of a moment ago
      } else if (saved !== edit.base && saved !== edit.clash) {
        edit.clash = saved;
        this.tell("clash", edit);
      }
    }
  }

  summary() {
    const stuck = [...this.pending.values()];
    const clash = stuck.find((edit) => edit.clash !== undefined);
    const refused = stuck.find((edit) => edit.refused === edit.value);
    if (clash) this.say(gettext("Paused: someone else changed %(place)s", { place: this.place(clash) }), "danger");
    else if (refused) this.say(gettext("Not saved: %(why)s", { why: refused.why }), "danger");
    else if (!stuck.length) {
      this.say(`${gettext("Saved")} · ${new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false })}`);
    }
  }

  place({ scene, field }) {
    const number = this.doc.scenes.findIndex((each) => each.id === scene) + 1;
    return number ? `scene ${number}` : field === "title" ? gettext("the headline") : `the ${field}`;
  }

  say(text, tone = "") {
    this.tell("said", { text, tone });
  }

  tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  keep() {
    const kept = [...this.pending.values()].map(({ scene, field, value, base }) => ({ scene, field, value, base }));
    if (kept.length) localStorage.setItem(this.key, JSON.stringify(kept));
    else localStorage.removeItem(this.key);
  }

  // What an earlier visit typed and could not save.
  recover() {
    let kept = [];
    try {
      kept = JSON.parse(localStorage.getItem(this.key) ?? "[]");
    } catch {
      localStorage.removeItem(this.key);
    }
    for (const { scene, field, value, base } of kept) {
      const saved = this.saved(scene, field);
      if (saved === undefined || saved === value) continue;
      const clash = saved === base ? undefined : saved;
      this.pending.set(`${scene}.${field}`, { scene, field, value, base, clash });
    }
    this.keep();
    if (this.pending.size) this.timer = setTimeout(() => this.flush(), WAIT);
  }
}
