// The story as this tab knows it: what the server said, what is done here and not yet saved, and the way back to the server.
// Edits are operations that name the version they were made on: the server merges those of different things and answers 409
// where somebody changed the same. What is not saved yet is kept on this device until it is.
import { gettext } from "../words.js";
import { ahead, canWait } from "./ahead.js";
import { Kept, uuid } from "./kept.js";

const WAIT = 500;
const AGAIN = 5000;

export class Store extends EventTarget {
  constructor(document_, { edit, document: read, session, person }) {
    super();
    this.server = document_;
    this.doc = document_; // the server's, with what waits shown ahead
    this.addresses = { edit, read, session };
    this.person = Number(person);
    this.pending = new Map(); // "scene.field" -> {scene, field, value, base, clash?, refused?, orphan?}
    this.waiting = []; // operations that aren't saved yet, in order
    this.kept = new Kept(document_.id, person);
    this.line = Promise.resolve();
    this.timer = 0;
    this.signedOut = false;
    addEventListener("online", () => this.flush());
    addEventListener("pageshow", (event) => event.persisted && this.look());
    addEventListener("focus", () => this.signedOut && this.comeBack());
    document.addEventListener("visibilitychange", () => document.hidden && this.isWaiting && this.flush());
    addEventListener("beforeunload", (event) => {
      if (this.isWaiting && !this.kept.works) event.preventDefault();
    });
    this.recover();
  }

  scene(id) {
    return this.doc.scenes.find((scene) => scene.id === id);
  }

  get editable() {
    return this.doc.may.edit && this.doc.state !== "making";
  }

  get isWaiting() {
    return this.pending.size + this.waiting.length > 0;
  }

  // What stands in a field: typed, else saved. `scene` is "" for the story's own fields.
  value(scene, field) {
    return this.pending.get(`${scene}.${field}`)?.value ?? this.saved(scene, field);
  }

  saved(scene, field) {
    return scene ? this.scene(scene)?.[field] : this.doc[field];
  }

  type(scene, field, value) {
    const key = `${scene}.${field}`;
    const base = this.pending.get(key)?.base ?? this.saved(scene, field);
    if (value === base) this.pending.delete(key);
    else this.pending.set(key, Object.assign(this.pending.get(key) ?? { scene, field, base }, { value }));
    this.keep();
    this.tell("typed", { scene, field });
    this.say(this.isWaiting ? gettext("Saving…") : gettext("Saved"));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), WAIT);
  }

  // Save everything; resolves when that is done or can't be done now.
  flush() {
    clearTimeout(this.timer);
    this.line = this.line.then(() => this.saveAll()).catch(() => this.later());
    return this.line;
  }

  async saveAll() {
    const done = (await this.saveTexts()) && (await this.saveOperations()) && (await this.saveTexts());
    this.keep();
    if (done) this.summary();
    else this.later();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), AGAIN);
  }

  async saveTexts() {
    for (const [key, edit] of [...this.pending]) {
      if (edit.clash !== undefined || edit.refused === edit.value || edit.orphan) continue;
      if (edit.scene && !this.server.scenes.some(({ id }) => id === edit.scene)) {
        if (!this.scene(edit.scene)) this.orphan(edit);
        continue; // its scene is still on its way
      }
      if (!(await this.save(key, edit))) return false;
    }
    return true;
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
      if (now) now.who = body.who;
      // Somebody changed something else: the same words, on the version that there is now.
      return now && now.clash === undefined && !now.orphan ? this.save(key, now) : true;
    }
    if (status === 422 || status === 400) {
      edit.refused = value;
      edit.why = `${body.message} ${body.next_step}`.trim();
      this.tell("refused", edit);
      return true;
    }
    return false;
  }

  // The scene of what was typed is gone: the words stay until somebody says what becomes of them.
  orphan(edit) {
    edit.orphan = true;
    this.tell("orphaned", edit);
  }

  async saveOperations() {
    while (this.waiting.length) {
      const said = this.waiting[0];
      let { status, body } = await this.post(said);
      if (status === 409) {
        const there = !said.scene || body.document.scenes.some(({ id }) => id === said.scene);
        this.adopt(body.document);
        // Nobody's words: the same on the version that there is now. Else the person decides.
        if (there && (body.only_order || !body.who)) ({ status, body } = await this.post(said));
        if (status === 409) {
          this.settled(said);
          const act = there ? { label: gettext("Do it anyway"), act: () => this.act({ ...said, key: undefined }) } : {};
          this.tell("failed", { message: there ? gettext("Not done: %(who)s changed the same in the meantime.", { who: body.who || "?" }) : gettext("Not done: the scene is gone."), said, ...act });
          continue;
        }
      }
      if (status === 200) {
        this.settled(said, body);
      } else if (status === 422 || status === 400) {
        this.settled(said);
        this.tell("failed", { message: `${body.message} ${body.next_step ?? ""}`.trim(), said });
      } else {
        return false;
      }
    }
    return true;
  }

  settled(said, doc = this.server) {
    this.waiting = this.waiting.filter((each) => each !== said);
    this.keep();
    this.adopt(doc);
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
    this.keep();
    this.tell("changed");
    this.flush();
  }

  // Words whose scene is gone become a scene of their own, or are let go.
  async settleOrphan(edit, { keep }) {
    this.pending.delete(`${edit.scene}.${edit.field}`);
    if (keep) await this.act({ do: "add_scene", position: this.doc.scenes.length, narration: edit.value });
    this.keep();
    this.tell("changed");
    this.summary();
  }

  // Do another operation, after what is typed is saved. Returns the document then, or null with a message told. What can
  // be shown ahead is shown at once, and waits where there is no connection.
  act(said) {
    if (canWait(said)) return this.actAhead(said);
    const done = this.flush().then(async () => {
      this.say(gettext("Saving…"));
      let { status, body } = await this.post(said);
      if (status === 409) {
        this.adopt(body.document);
        if (!body.who && (!said.scene || this.scene(said.scene))) ({ status, body } = await this.post(said));
      }
      if (status === 200) {
        this.adopt(body);
        this.summary();
        return body;
      }
      if (status) this.summary();
      this.tell("failed", { message: status ? `${body.message} ${body.next_step ?? ""}`.trim() : gettext("This needs a connection: try again in a moment.") });
      return null;
    });
    this.line = done.catch(() => null);
    return this.line;
  }

  async actAhead(said) {
    const operation = { ...said, key: said.key ?? uuid() };
    if (said.do === "add_scene") operation.id ??= uuid();
    this.waiting.push(operation);
    this.keep();
    this.adopt(this.server);
    this.say(gettext("Saving…"));
    let refused = false;
    const listen = ({ detail }) => (refused ||= detail.said === operation);
    this.addEventListener("failed", listen);
    await this.flush();
    this.removeEventListener("failed", listen);
    return refused ? null : this.doc;
  }

  async post(said) {
    try {
      const body = JSON.stringify({ ...said, version: this.server.version });
      const send = () =>
        fetch(this.addresses.edit, {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-CSRFToken": document.body.dataset.csrf },
          body,
          redirect: "manual",
          keepalive: body.length < 30_000, // so that leaving the page doesn't cut it off
        });
      let answer = await send();
      if (refusesPerson(answer) && (await this.isSignedIn())) answer = await send();
      if (refusesPerson(answer)) {
        this.away();
        return { status: 0, body: {} };
      }
      if (answer.status >= 500 || answer.status === 429) {
        this.say(gettext("The server has trouble: kept on this device, sent again soon"), "warn");
        return { status: 0, body: {} };
      }
      if (answer.status === 404) {
        this.say(gettext("This story is no longer open to you: your words are kept on this device"), "danger");
        return { status: 0, body: {} };
      }
      return { status: answer.status, body: await answer.json() };
    } catch {
      this.say(this.kept.works ? gettext("Offline: kept on this device") : gettext("Offline, and this browser keeps nothing: leave the page open"), "warn");
      return { status: 0, body: {} };
    }
  }

  // Whether the same person is signed in, if need be anew: then their next edits go with the new token.
  async isSignedIn() {
    const answer = await fetch(this.addresses.session, { cache: "no-store" });
    const { person, csrf } = await answer.json();
    if (person !== this.person) return false;
    document.body.dataset.csrf = csrf;
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = csrf;
    return true;
  }

  away() {
    if (!this.signedOut) this.tell("signed-out");
    this.signedOut = true;
    this.say(gettext("Signed out: your words are kept on this device"), "danger");
  }

  async comeBack() {
    if (!(await this.isSignedIn().catch(() => false))) return;
    this.signedOut = false;
    this.tell("signed-in");
    this.flush();
    this.look();
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
    const was = this.doc;
    if (doc.version >= this.server.version) this.server = doc;
    this.doc = this.waiting.reduce(ahead, doc);
    if (this.signedOut) {
      this.signedOut = false;
      this.tell("signed-in");
    }
    this.compare();
    this.tell("changed", { was });
    if (was.state === "making" && this.doc.state !== "making" && this.isWaiting) {
      for (const edit of this.pending.values()) delete edit.refused; // it was only too early
      this.flush();
    }
  }

  // What is typed here and what is saved there may have grown apart: never overwrite somebody's words unasked.
  compare() {
    for (const [key, edit] of this.pending) {
      const saved = this.saved(edit.scene, edit.field);
      if (saved === undefined) {
        if (!edit.orphan) this.orphan(edit);
      } else if (saved === edit.value) {
        this.pending.delete(key);
      } else if (saved === edit.sent) {
        edit.base = saved; // our own words of a moment ago
      } else if (saved !== edit.base && saved !== edit.clash) {
        edit.clash = saved;
        this.tell("clash", edit);
      }
    }
  }

  // Undo or redo, of this person's own edits, on the server: it lasts over reloads.
  async step(verb) {
    await this.flush();
    const told = this.doc.history[verb];
    if (!told && !this.isWaiting) return false;
    if (this.isWaiting) {
      this.tell("failed", { message: gettext("What is typed can't be saved now: try this again when it is.") });
    } else if (await this.act({ do: verb })) {
      this.say(verb === "undo" ? gettext("Undone: %(what)s", { what: told }) : gettext("Done again: %(what)s", { what: told }));
      return true;
    }
    return false;
  }

  // Undo one operation of this person's, however many came after it.
  async takeBack(key) {
    if (this.waiting.some((each) => each.key === key)) {
      this.waiting = this.waiting.filter((each) => each.key !== key);
      this.keep();
      this.adopt(this.server);
      return this.doc;
    }
    return this.act({ do: "undo", undoes: key });
  }

  summary() {
    const stuck = [...this.pending.values()];
    const clash = stuck.find((edit) => edit.clash !== undefined);
    const refused = stuck.find((edit) => edit.refused === edit.value);
    if (clash) this.say(clash.who ? gettext("Paused: %(who)s changed %(place)s", { who: clash.who, place: this.place(clash) }) : gettext("Paused: someone else changed %(place)s", { place: this.place(clash) }), "danger");
    else if (stuck.some((edit) => edit.orphan)) this.say(gettext("Paused: the scene of your words is gone"), "danger");
    else if (refused) this.say(gettext("Not saved: %(why)s", { why: refused.why }), "danger");
    else if (!this.isWaiting) {
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
    const texts = [...this.pending.values()].map(({ scene, field, value, base }) => ({ scene, field, value, base }));
    this.kept.write(this.isWaiting ? { texts, operations: this.waiting } : null);
  }

  // What an earlier visit did and could not save. A tab that is just closing holds its own for a moment longer.
  async recover() {
    for (const wait of [0, 1500]) {
      await new Promise((done) => setTimeout(done, wait));
      await this.kept.recover((kept) => this.take(kept));
    }
  }

  take({ texts = [], operations = [] }) {
    this.waiting.push(...operations);
    this.doc = this.waiting.reduce(ahead, this.server);
    for (const { scene, field, value, base } of texts) {
      const saved = this.saved(scene, field);
      if (saved === value || this.pending.has(`${scene}.${field}`)) continue;
      const clash = saved === base || saved === undefined ? undefined : saved;
      this.pending.set(`${scene}.${field}`, { scene, field, value, base, clash });
    }
    this.compare();
    this.keep();
    this.tell("changed");
    if (!this.isWaiting) return;
    this.say(gettext("Saving what was kept on this device…"));
    this.later();
    this.flush();
  }
}

function refusesPerson(answer) {
  return answer.type === "opaqueredirect" || answer.status === 403;
}
