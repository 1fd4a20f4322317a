// A person's own voice for a scene: recorded here or uploaded, listened to before it is sent, and gone back from.
import { part } from "./scenes.js";
import { gettext } from "../words.js";

const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const REFUSED = {
  NotAllowedError: gettext("The browser may not use the microphone. Allow it beside the address of this page, or upload a file."),
  NotFoundError: gettext("There is no microphone. Connect one, or upload a file."),
  NotReadableError: gettext("Another program holds the microphone. Close it, or upload a file."),
};
const ABSENT = gettext("This browser can't record here. Upload a file instead.");

export class Recording {
  constructor(store, body) {
    this.store = store;
    this.root = part(body, "recording");
    this.state = part(this.root, "record-state");
    this.button = part(this.root, "record");
    this.file = part(this.root, "record-file");
    this.heard = part(this.root, "record-heard");
    this.scene = null;
    this.take = null; // {blob, scene}: recorded and not sent yet
    this.recorder = null;
    this.button.addEventListener("click", () => (this.recorder ? this.stop() : this.start()));
    this.file.addEventListener("change", () => {
      if (this.file.files[0]) this.offer(this.file.files[0]);
      this.file.value = "";
    });
    part(this.root, "record-send").addEventListener("click", () => this.send());
    part(this.root, "record-drop").addEventListener("click", () => this.drop(gettext("Put aside.")));
    part(this.root, "use-said").addEventListener("click", () => this.settle({ do: "use_recorded_words", reading: this.reading }, gettext("The line says what you said.")));
    part(this.root, "keep-line").addEventListener("click", () => this.settle({ do: "use_reading", reading: this.reading }, gettext("The line stays; your recording is heard.")));
    part(this.root, "to-voice").addEventListener("click", () => this.settle({ do: "back_to_voice" }, gettext("The voice speaks this line.")));
    addEventListener("pagehide", () => this.stop());
  }

  get reading() {
    return this.scene.recording.reading;
  }

  draw(scene) {
    if (this.scene?.id !== scene.id) {
      this.stop();
      this.drop("");
    }
    this.scene = scene;
    const { doc, editable } = this.store;
    const { state, heard, note, by_sentence, recorded, sound } = scene.recording;
    const asking = doc.recordings.asking.includes(scene.id);
    this.root.hidden = !doc.may.edit && !state;
    part(this.root, "record-new").hidden = !doc.may.edit;
    for (const each of [this.button, this.file, part(this.root, "record-send")]) each.disabled = !editable || asking;
    const told = {
      used: by_sentence ? gettext("Your recording is heard. Its words have no times, so captions go by sentence.") : gettext("Your recording is heard, with captions word by word."),
      stale: gettext("Your recording says something else than the line now: record it again, or let the voice speak."),
      differs: heard ? gettext("You said something else than the line.") : gettext("The recording doesn't seem to say this line."),
    };
    part(this.root, "record-told").textContent = [told[state], state !== "stale" && note].filter(Boolean).join(" ");
    this.root.toggleAttribute("data-asks", state === "stale" || state === "differs");
    const quote = part(this.root, "record-said");
    quote.textContent = heard;
    quote.hidden = !heard;
    const own = part(this.root, "record-own");
    own.hidden = !sound;
    if (sound && own.getAttribute("src") !== sound) own.src = sound;
    const buttons = { "use-said": state === "differs" && heard, "keep-line": state === "differs", "to-voice": recorded || state === "differs" };
    for (const [name, shown] of Object.entries(buttons)) {
      const button = part(this.root, name);
      button.hidden = !shown || !doc.may.edit;
      button.disabled = !editable || asking;
    }
    part(this.root, "to-voice").textContent = recorded ? gettext("Back to the voice") : gettext("Put the recording aside");
    if (asking) this.say(gettext("Listening to your recording…"));
    else if (this.sent === scene.id) {
      this.sent = "";
      this.say(doc.failed ? `${doc.failed.error} ${doc.failed.next_step}` : gettext("Listened to."));
    }
  }

  async start() {
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.MediaRecorder) {
      this.say(ABSENT);
      return;
    }
    this.drop("");
    const scene = this.scene.id;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: true } });
    } catch (error) {
      this.say(REFUSED[error.name] ?? ABSENT);
      return;
    }
    const recorder = new MediaRecorder(stream, { mimeType: TYPES.find((type) => MediaRecorder.isTypeSupported(type)), audioBitsPerSecond: 128000 });
    const parts = [];
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recorder.addEventListener("stop", () => {
      for (const track of stream.getTracks()) track.stop();
      this.watching?.close();
      this.recorder = null;
      this.button.ariaPressed = "false";
      part(this.root, "record-name").textContent = gettext("Record again");
      part(this.root, "record-level").hidden = true;
      if (this.scene.id === scene) this.offer(new Blob(parts, { type: recorder.mimeType }));
    });
    this.recorder = recorder;
    recorder.start();
    this.button.ariaPressed = "true";
    part(this.root, "record-name").textContent = gettext("Stop");
    this.say(gettext("Recording. Speak the line, then stop."));
    this.watch(stream);
  }

  // The level while it records; ends it where it gets too long.
  watch(stream) {
    const meter = part(this.root, "record-level");
    meter.hidden = false;
    this.watching = new AudioContext();
    const analyser = this.watching.createAnalyser();
    this.watching.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const begun = performance.now();
    const look = () => {
      if (!this.recorder) return;
      analyser.getFloatTimeDomainData(samples);
      const loud = samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
      meter.value = loud;
      const seconds = (performance.now() - begun) / 1000;
      part(this.root, "record-clock").textContent = `${seconds.toFixed(0)} s${loud > 0.98 ? " · too loud" : ""}`;
      if (seconds >= this.store.doc.recordings.longest) this.stop();
      else requestAnimationFrame(look);
    };
    look();
  }

  stop() {
    if (this.recorder?.state === "recording") this.recorder.stop();
  }

  offer(blob) {
    this.drop("");
    if (blob.size > this.store.doc.recordings.most_bytes) {
      this.say(gettext("This file is too large. Save it as MP3, M4A or OGG."));
      return;
    }
    this.take = { blob, scene: this.scene.id };
    this.heard.src = URL.createObjectURL(blob);
    part(this.root, "record-take").hidden = false;
    this.say(gettext("Listen to it, then use it or record again."));
  }

  drop(said) {
    if (this.heard.src) URL.revokeObjectURL(this.heard.src);
    this.heard.removeAttribute("src");
    this.take = null;
    part(this.root, "record-take").hidden = true;
    part(this.root, "record-clock").textContent = "";
    this.say(said);
  }

  async send() {
    const { blob, scene } = this.take;
    await this.store.flush();
    const form = new FormData();
    form.append("scene", scene);
    form.append("sound", blob, blob.name ?? "recording");
    this.say(gettext("Sending…"));
    let said;
    try {
      const answer = await fetch(this.store.doc.recordings.address, { method: "POST", headers: { "X-CSRFToken": document.body.dataset.csrf }, body: form, redirect: "manual" });
      said = answer.status === 202 ? "" : answer.status === 422 ? await answer.json() : { message: gettext("You are signed out."), next_step: gettext("Sign in in another tab, then send it again.") };
    } catch {
      said = { message: gettext("No connection."), next_step: gettext("The recording is kept here: send it again.") };
    }
    if (said) {
      this.say(`${said.message} ${said.next_step}`);
      return;
    }
    this.sent = scene;
    this.drop(gettext("Sent."));
    await this.store.look();
  }

  async settle(said, done) {
    if (await this.store.act({ ...said, scene: this.scene.id })) this.say(done);
  }

  say(text) {
    this.state.textContent = text;
  }
}
