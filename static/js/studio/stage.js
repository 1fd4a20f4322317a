// The stage: a live preview of the scene at true aspect, drawn from the same data as the render, and what was rendered.
// The server says how captions break into lines; for words that it hasn't heard yet they are filled by the same limits.
import { single } from "../shortcuts.js";
import { explained } from "./alternatives.js";
import { captionsOf } from "./captions.js";
import { Cards } from "./cards.js";
import { part } from "./scenes.js";
import { gettext } from "../words.js";

const LEAD = 0.15;
const TAIL = 0.35;
const ruler = document.createElement("canvas").getContext("2d");

export class Stage {
  constructor(store, root, { choose }) {
    this.store = store;
    this.root = root;
    this.choose = choose;
    this.voice = document.querySelector("[data-voice]");
    this.current = "";
    this.format = store.doc.variants[0]?.format ?? "";
    this.mode = this.variant?.fresh ? "made" : "live";
    this.playing = false;
    this.cards = new Cards(store, root);
    part(root, "formats").addEventListener("click", (event) => this.tab(event));
    part(root, "formats").addEventListener("keydown", (event) => this.arrows(event));
    part(root, "modes").addEventListener("click", ({ target }) => {
      if (!target.dataset.mode) return;
      this.pause();
      this.mode = target.dataset.mode;
      this.draw();
    });
    part(root, "play").addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    part(root, "previous").addEventListener("click", () => this.step(-1));
    part(root, "next").addEventListener("click", () => this.step(1));
    part(root, "scrub").addEventListener("click", ({ target }) => target.dataset.scene && choose(target.dataset.scene));
    part(root, "show-safe").addEventListener("change", ({ target }) => (part(root, "safe").hidden = !target.checked));
    document.addEventListener("keydown", (event) => this.keys(event));
    store.addEventListener("changed", () => this.draw());
    store.addEventListener("typed", ({ detail }) => {
      if (this.mode === "made") this.mode = "live";
      if (detail.scene === this.current || !detail.scene) this.draw();
    });
  }

  get variant() {
    return this.store.doc.variants.find(({ format }) => format === this.format) ?? this.store.doc.variants[0];
  }

  get index() {
    return this.store.doc.scenes.findIndex(({ id }) => id === this.current);
  }

  // Show a scene; from the rendered file back to the preview, since a scene is what somebody wants to look at.
  show(id, { live = true } = {}) {
    if (this.current !== id) this.pause();
    this.current = id;
    if (live) this.mode = "live";
    this.draw();
  }

  draw() {
    this.tabs();
    this.frame();
    this.scrub();
    this.note();
    this.engines();
  }

  tabs() {
    const { variants } = this.store.doc;
    const state = JSON.stringify([variants.map(({ format, fresh, url }) => [format, fresh, url]), this.format, this.mode]);
    if (state === this.tabsDrawn) return;
    this.tabsDrawn = state;
    const place = part(this.root, "formats");
    const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
    const made = variants.map((variant) => {
      const tab = document.createElement("button");
      Object.assign(tab, { className: "tab", type: "button", role: "tab", id: `tab-${variant.format.replace(":", "-")}` });
      tab.dataset.format = variant.format;
      const chosen = variant === this.variant;
      tab.ariaSelected = String(chosen);
      tab.setAttribute("aria-controls", "stage-frame");
      tab.tabIndex = chosen ? 0 : -1;
      tab.append(shape(variant), variant.label);
      if (variant.url && !variant.fresh) tab.append(Object.assign(document.createElement("span"), { className: "dot", title: gettext("Older than the story") }));
      return tab;
    });
    const modes = [];
    if (this.variant?.url) {
      for (const [mode, label] of [["live", gettext("Preview")], ["made", gettext("Rendered")]]) {
        const button = Object.assign(document.createElement("button"), { className: "tab", type: "button", id: `mode-${mode}`, textContent: label });
        button.dataset.mode = mode;
        button.ariaPressed = String(mode === this.mode);
        modes.push(button);
      }
    }
    place.replaceChildren(...made);
    part(this.root, "modes").replaceChildren(...modes);
    if (focused) document.getElementById(focused)?.focus();
  }

  tab({ target }) {
    const format = target.closest("[data-format]")?.dataset.format;
    if (!format) return;
    this.pause();
    this.format = format;
    if (!this.variant.url) this.mode = "live";
    this.draw();
  }

  arrows(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const tabs = [...part(this.root, "formats").querySelectorAll("[role=tab]")];
    if (!step || !tabs.includes(event.target)) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
    next.click();
    document.getElementById(next.id)?.focus();
  }

  frame() {
    const variant = this.variant;
    const frame = part(this.root, "frame");
    const scene = this.store.scene(this.current) ?? this.store.doc.scenes[0];
    if (!variant) {
      this.bare();
      return;
    }
    frame.style.setProperty("--ratio", variant.width / variant.height);
    document.body.style.setProperty("--crop", variant.width / variant.height);
    frame.setAttribute("aria-labelledby", `tab-${variant.format.replace(":", "-")}`);
    for (const [side, share] of Object.entries(variant.room)) frame.style.setProperty(`--${side}`, `${100 * share}%`);
    const made = this.mode === "made" && variant.url;
    part(this.root, "live").hidden = Boolean(made) || variant.kind === "card";
    part(this.root, "card").hidden = Boolean(made) || variant.kind !== "card";
    part(this.root, "card-look").hidden = variant.kind !== "card";
    this.made(made ? variant : null);
    this.ranked(variant);
    part(this.root, "transport").hidden = Boolean(made) || variant.kind === "card" || !scene;
    if (variant.kind === "card") this.card();
    if (made || !scene) {
      if (!scene) this.bare();
      return;
    }
    if (variant.kind === "card") return;
    this.live(scene);
  }

  // Before there is a scene.
  bare() {
    this.picture(part(this.root, "picture"), null);
    for (const name of ["on-screen", "caption", "transport"]) part(this.root, name).hidden = true;
  }

  live(scene) {
    this.picture(part(this.root, "picture"), scene.picture);
    const text = part(this.root, "on-screen");
    const said = this.store.value(scene.id, "on_screen") ?? "";
    text.replaceChildren(Object.assign(document.createElement("span"), { textContent: said }));
    text.classList.toggle("long", said.length > 56);
    text.lang = this.store.doc.language;
    text.hidden = !said.trim();
    this.caption(scene, this.playing ? this.at : LEAD);
  }

  card() {
    this.cards.show(this.variant);
  }

  picture(place, picture) {
    const key = picture ? `${picture.file}@${picture.start}` : this.blank();
    if (place.dataset.shown === key) return;
    place.dataset.shown = key;
    place.style.backgroundColor = picture?.colour || "";
    if (!picture) {
      place.replaceChildren(Object.assign(document.createElement("p"), { className: "stage-blank", textContent: this.blank() }));
      return;
    }
    if (picture.kind === "video") {
      const video = Object.assign(document.createElement("video"), { muted: true, loop: true, playsInline: true, poster: picture.thumbnail });
      video.src = `${picture.file}#t=${picture.start}`;
      video.ariaLabel = picture.alt || picture.title;
      place.replaceChildren(video);
      if (this.playing) video.play();
    } else {
      place.replaceChildren(Object.assign(document.createElement("img"), { src: picture.file, alt: picture.alt || picture.title }));
    }
  }

  blank() {
    if (this.store.doc.state === "making") return this.store.doc.scenes.length ? gettext("Its picture is being chosen.") : gettext("The script is being written. Pictures follow.");
    return gettext("The next render chooses a picture.");
  }

  ranked({ ranked }) {
    part(this.root, "variant-why").hidden = !ranked;
    if (!ranked) return;
    const moved = ranked.rank_by_score === ranked.rank ? "" : gettext(", %(rank)s by its score alone", { rank: ranked.rank_by_score });
    part(this.root, "variant-rank").textContent = gettext("Ranked %(rank)s of %(all)s%(moved)s: why", { rank: ranked.rank, all: ranked.of, moved });
    part(this.root, "variant-explain").replaceChildren(...explained(ranked));
  }

  made(variant) {
    const place = part(this.root, "made");
    place.hidden = !variant;
    const key = variant?.url ?? "";
    if (place.dataset.shown === key) return;
    place.dataset.shown = key;
    if (!variant) {
      place.replaceChildren();
    } else if (variant.kind === "video") {
      const video = Object.assign(document.createElement("video"), { src: variant.url, controls: true, playsInline: true, preload: "metadata" });
      video.ariaLabel = gettext("Rendered: %(label)s", { label: variant.label });
      if (variant.captions) {
        const track = Object.assign(document.createElement("track"), { kind: "captions", src: variant.captions, srclang: variant.language, label: gettext("Captions") });
        video.append(track);
      }
      place.replaceChildren(video);
    } else {
      place.replaceChildren(Object.assign(document.createElement("img"), { src: variant.url, alt: gettext("Rendered: %(label)s, %(title)s", { label: variant.label, title: this.store.doc.title }) }));
    }
  }

  caption(scene, at) {
    const place = part(this.root, "caption");
    const typed = this.store.pending.get(`${scene.id}.narration`)?.value;
    const cues = captionsOf(scene, this.variant.cues?.[scene.id], typed, (text) => this.fits(text));
    const cue = cues.find(({ end }) => at < end) ?? cues.at(-1);
    place.hidden = !cue;
    if (!cue) return;
    place.lang = this.store.doc.language;
    const motion = this.store.doc.caption_motion;
    place.classList.toggle("pop", motion === "pop" && cue.exact && cue.lines.length === 1);
    const lines = cue.lines.map((words) => {
      const line = document.createElement("span");
      words.forEach(([text, start, end], index) => {
        const over = motion === "karaoke" ? cue.end : (words[index + 1]?.[1] ?? end + 0.05);
        const active = cue.exact && (motion === "word" || motion === "karaoke") && at >= start && at < over;
        const word = document.createElement(active ? "mark" : "span");
        word.textContent = text;
        line.append(word, index < words.length - 1 ? " " : "");
      });
      return line;
    });
    place.replaceChildren(...lines);
  }

  // Whether a line of a caption is no wider than its box: the sizes are those of static/css/stage.css.
  fits(text) {
    const { width, height, room } = this.variant;
    const size = 0.052 * Math.min(width, height);
    ruler.font = `700 ${size}px Roboto, sans-serif`;
    return ruler.measureText(text).width <= (1 - 2 * (room.side ?? 0.06)) * width - 0.72 * size;
  }

  scrub() {
    const { scenes } = this.store.doc;
    const place = part(this.root, "scrub");
    const state = JSON.stringify(scenes.map(({ id, seconds }) => [id, seconds]));
    if (state !== this.scrubDrawn) {
      this.scrubDrawn = state;
      place.replaceChildren(
        ...scenes.map(({ id, seconds }, index) => {
          const button = Object.assign(document.createElement("button"), { type: "button", ariaLabel: gettext("Scene %(number)s, %(seconds)s seconds", { number: index + 1, seconds: seconds.toFixed(1) }) });
          button.dataset.scene = id;
          button.style.flexGrow = seconds;
          return button;
        }),
      );
    }
    for (const button of place.children) button.ariaCurrent = button.dataset.scene === this.current ? "true" : null;
    this.clock();
  }

  clock() {
    const { scenes } = this.store.doc;
    const before = scenes.slice(0, Math.max(0, this.index)).reduce((sum, { seconds }) => sum + seconds, 0);
    const total = scenes.reduce((sum, { seconds }) => sum + seconds, 0);
    part(this.root, "clock").textContent = `${time(before + (this.playing ? this.at : 0))} / ${time(total)}`;
  }

  // The second of the video that is in front of the editor; null where there is none.
  second() {
    if (this.variant?.kind !== "video") return null;
    const video = this.mode === "made" && part(this.root, "made").querySelector("video");
    if (video) return Math.round(video.currentTime * 10) / 10;
    const before = this.store.doc.scenes.slice(0, Math.max(0, this.index)).reduce((sum, { seconds }) => sum + seconds, 0);
    return Math.round((before + (this.playing ? this.at : 0)) * 10) / 10;
  }

  // Show a second: of the rendered video where that is shown, else the scene in which it lies.
  goTo(second) {
    const video = this.mode === "made" && part(this.root, "made").querySelector("video");
    if (video) {
      video.currentTime = second;
      video.focus();
      return;
    }
    let end = 0;
    const scene = this.store.doc.scenes.find(({ seconds }) => (end += seconds) > second) ?? this.store.doc.scenes.at(-1);
    if (scene) this.choose(scene.id);
  }

  note() {
    const note = part(this.root, "note");
    const { variant, store } = this;
    const scene = store.scene(this.current);
    let text = "";
    if (store.doc.failed) text = gettext("%(what)s failed: %(why)s", { what: store.doc.failed.title, why: `${store.doc.failed.error} ${store.doc.failed.next_step}`.trim() });
    else if (this.mode === "made" && variant?.url && !variant.fresh) text = gettext("This render is older than the story. Render to bring it up to date.");
    else if (this.mode === "live" && scene && !scene.exact) text = gettext("Times are estimated until this scene is spoken.");
    note.textContent = text;
    note.classList.toggle("bad", Boolean(store.doc.failed));
  }

  engines() {
    const { engines } = this.store.doc;
    const all = engines.every(({ built_in }) => built_in);
    const said = engines.map(({ label, title, built_in }) => `${label}: ${title}${built_in && !all ? ` ${gettext("(built in)")}` : ""}`);
    part(this.root, "engines").textContent = [...said, ...(all ? [gettext("all built in")] : [])].join("  ·  ");
  }

  // Playing the preview: the narration of one scene after the other, without a render --------------------------------
  play() {
    const scene = this.store.scene(this.current);
    if (!scene) return;
    this.playing = true;
    this.at = 0;
    this.begun = performance.now();
    this.icons();
    if (scene.sound) {
      if (this.voice.getAttribute("src") !== scene.sound) this.voice.src = scene.sound;
      this.voice.currentTime = 0;
      this.voice.play().catch(() => this.pause());
    }
    this.root.querySelector("[data-picture] video")?.play();
    this.tick();
  }

  tick() {
    const scene = this.store.scene(this.current);
    if (!this.playing || !scene) return;
    const spoken = scene.sound && !this.voice.ended;
    if (spoken) this.at = this.voice.currentTime + LEAD;
    else this.at = scene.sound ? this.at + 1 / 60 : (performance.now() - this.begun) / 1000;
    this.caption(scene, this.at);
    this.clock();
    if (this.at >= scene.seconds - (scene.sound ? TAIL / 4 : 0) && !spoken) this.next();
    else requestAnimationFrame(() => this.tick());
  }

  next() {
    const following = this.store.doc.scenes[this.index + 1];
    if (!following) {
      this.pause();
      return;
    }
    this.current = following.id;
    this.choose(following.id, { quiet: true });
    this.draw();
    this.play();
  }

  pause() {
    this.playing = false;
    this.voice.pause();
    this.root.querySelector("[data-picture] video")?.pause();
    this.icons();
  }

  icons() {
    part(this.root, "play").ariaLabel = this.playing ? gettext("Pause") : gettext("Play");
    part(this.root, "icon-play").hidden = this.playing;
    part(this.root, "icon-pause").hidden = !this.playing;
  }

  step(by) {
    const scene = this.store.doc.scenes[this.index + by];
    if (scene) this.choose(scene.id);
  }

  keys(event) {
    if (!single(event) || part(this.root, "transport").hidden) return;
    const act = { k: () => (this.playing ? this.pause() : this.play()), j: () => this.step(-1), l: () => this.step(1) }[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

function time(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

// A small outline of the format's shape.
function shape({ width, height, kind }) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const long = 14 / Math.max(width, height);
  const [w, h] = [Math.max(6, width * long), Math.max(6, height * long)];
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("width", "16");
  svg.setAttribute("height", "16");
  svg.setAttribute("aria-hidden", "true");
  const box = document.createElementNS(svg.namespaceURI, "rect");
  for (const [name, value] of Object.entries({ x: 8 - w / 2, y: 8 - h / 2, width: w, height: h, rx: 1.5, fill: "none", stroke: "currentColor", "stroke-width": 1.5 })) {
    box.setAttribute(name, value);
  }
  svg.append(box);
  if (kind === "video") {
    const play = document.createElementNS(svg.namespaceURI, "path");
    play.setAttribute("d", "M6.8 5.8 10 8l-3.200 2.200z");
    play.setAttribute("fill", "currentColor");
    svg.append(play);
  }
  return svg;
}
