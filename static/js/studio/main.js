// The studio: one store, and the views that show it.
import { listen, refresher } from "../events.js";
import { toast } from "../toasts.js";
import { checks } from "./checks.js";
import { Comments } from "./comments.js";
import { conflicts } from "./conflicts.js";
import { focus } from "./focus.js";
import { Inspector } from "./inspector.js";
import { look } from "./look.js";
import { Presence } from "./presence.js";
import { Scenes } from "./scenes.js";
import { Stage } from "./stage.js";
import { Store } from "./store.js";
import { undo } from "./undo.js";
import { headlines, Telling } from "./wording.js";
import { gettext } from "../words.js";

const root = document.querySelector("[data-studio]");
const store = new Store(JSON.parse(document.getElementById("document").textContent), root.dataset);

const choose = (id, { quiet = false, focus = false } = {}) => {
  scenes.mark(id);
  inspector.show(id);
  presence.go(id);
  comments.show(id);
  if (!quiet) stage.show(id);
  if (focus) document.querySelector(`[data-scene="${id}"] textarea`)?.focus();
};
const stage = new Stage(store, root.querySelector("[data-stage]"), { choose });
const inspector = new Inspector(store, root.querySelector("[data-inspector]"));
const scenes = new Scenes(store, root.querySelector(".scenes"), { choose });
const presence = new Presence(store, document.querySelector("[data-others]"), scenes.list, root.dataset);
const comments = new Comments(store, root.querySelector("[data-talk]"), { ...root.dataset, stage, choose });
conflicts(store, root.querySelector("[data-conflicts]"));
const steps = document.querySelector("[data-steps]");
if (steps) undo(store, steps, document.querySelector("[data-live-region]"));
checks(store, root.querySelector("[data-checks]"), choose);
look(store, root.querySelector(".look"));
focus(store, stage, root.querySelector("[data-stage]"));

const begin = () => {
  const first = store.doc.scenes[0]?.id ?? "";
  scenes.mark(first);
  inspector.show(first);
  presence.go(first);
  comments.show(first);
  stage.show(first, { live: false });
};
begin();
document.documentElement.dataset.editor = "ready";

// The headline -----------------------------------------------------------------------------------------------------
const title = document.getElementById("title");
title.addEventListener("input", () => store.type("", "title", title.value));
store.addEventListener("changed", ({ detail }) => {
  title.readOnly = !store.editable;
  if (!store.pending.has(".title") && document.activeElement !== title) title.value = store.doc.title;
  if (detail?.was && !store.scene(scenes.current)) begin();
  if (detail?.was && detail.was.state === "making" && store.doc.state !== "making" && stage.variant?.fresh) {
    stage.mode = "made";
    stage.draw();
    toast(gettext("It's rendered."));
  }
});
title.readOnly = !store.editable;

// What an act of the page before said: as a toast it moves nothing. What went wrong stays where it is.
for (const said of document.querySelectorAll(".main > .messages:not(:has(.danger)) p")) toast(said.textContent, { seconds: 9 });

headlines(store, document.querySelector("[data-headlines]"));

// Saving, in words -------------------------------------------------------------------------------------------------
const save = document.querySelector("[data-save]");
store.addEventListener("said", ({ detail }) => {
  save.textContent = detail.text;
  save.dataset.tone = detail.tone;
});
store.addEventListener("failed", ({ detail: { message, label, act } }) => toast(message, { seconds: 9, label, act }));
const signedOut = document.querySelector("[data-signed-out]");
store.addEventListener("signed-out", () => (signedOut.hidden = false));
store.addEventListener("signed-in", () => (signedOut.hidden = true));

// Acts: forms that first wait for what is typed ----------------------------------------------------------------------
const acts = document.querySelector(".studio-acts");
let sent = false;
acts.addEventListener("submit", async (event) => {
  if (sent) return;
  event.preventDefault();
  const { target, submitter } = event;
  const question = submitter?.dataset.confirm;
  if (question && !confirm(question)) return;
  await store.flush();
  if (store.isWaiting) {
    toast(gettext("Not yet: something here isn't saved."), { seconds: 9 });
    return;
  }
  sent = true;
  // Later: a form ignores requestSubmit while its submit event is still under way.
  setTimeout(() => target.requestSubmit(submitter));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.shiftKey && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    acts.querySelector("[data-render]")?.requestSubmit();
  }
});

let drawn = acts.querySelector("[data-acts]").dataset.nextAct + (store.doc.job?.id ?? "");
store.addEventListener("changed", async () => {
  const wanted = store.doc.next + (store.doc.job?.id ?? "");
  if (wanted === drawn) return;
  drawn = wanted;
  const answer = await fetch(`${location.pathname}acts/`);
  if (answer.ok && !answer.redirected) acts.innerHTML = await answer.text();
});

// A picture that was generated for a scene (static/js/generate.js) --------------------------------------------------
document.addEventListener("generate:use", ({ detail }) => {
  if (!scenes.current || !store.editable) return;
  detail.taken = true;
  store.act({ do: "choose_picture", scene: scenes.current, asset: detail.asset });
});

// What happens to the story elsewhere ---------------------------------------------------------------------------------
const lookAgain = refresher(() => store.look(), 250);
const telling = new Telling((scene, text) => {
  if (scene === inspector.current) inspector.wording.live(text);
  if (!scene) root.querySelector("[data-writing]").textContent = text;
});
listen((event) => {
  const { kind, story } = event;
  if (story !== store.doc.id || kind === "job.progress") return;
  if (kind === "words.told") {
    telling.take(event);
    return;
  }
  if (kind === "story.presence") {
    presence.hear(event);
    return;
  }
  if (kind === "story.comment") {
    comments.load();
    return;
  }
  lookAgain();
});
