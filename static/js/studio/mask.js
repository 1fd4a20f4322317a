// A mask painted over a picture: what is marked will be drawn anew. By pointer, or as a box given in numbers.
import { part } from "./scenes.js";
import { gettext } from "../words.js";

const LONGEST = 1024;
const MOST = 300;

export class Mask {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.done = [];
    root.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button?.dataset.brush) this.take(button.dataset.brush);
      if (button?.matches("[data-undo]")) this.redo(this.done.slice(0, -1));
      if (button?.matches("[data-clear]")) this.redo([...this.done, { clear: true }]);
      if (button?.matches("[data-mark-box]")) this.redo([...this.done, { box: this.box() }]);
    });
    root.addEventListener("keydown", (event) => {
      if (!event.target.dataset.box) return;
      // Enter would send the form.
      if (event.key === "Enter") {
        event.preventDefault();
        this.redo([...this.done, { box: this.box() }]);
      }
    });
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => this.end());
  }

  show({ file, width, height }) {
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    const place = part(this.root, "mask");
    place.style.setProperty("--shape", width / height);
    place.querySelector("img").src = file;
    this.take("paint");
    this.redo([]);
  }

  take(brush) {
    this.erase = brush === "erase";
    for (const button of this.root.querySelectorAll("[data-brush]")) button.ariaPressed = String(button.dataset.brush === brush);
  }

  box() {
    const share = (side) => Math.max(0, Math.min(100, part(this.root, `box="${side}"`).valueAsNumber || 0)) / 100;
    return ["left", "top", "width", "height"].map(share);
  }

  at(event) {
    const seen = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / seen.width;
    return [(event.clientX - seen.left) * scale, (event.clientY - seen.top) * scale];
  }

  begin(event) {
    if (event.button) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    const size = (part(this.root, "brush-size").valueAsNumber / 100) * Math.min(this.canvas.width, this.canvas.height);
    this.stroke = { erase: this.erase, size, points: [this.at(event)] };
    this.paint(this.stroke);
  }

  go(event) {
    if (!this.stroke) return;
    this.stroke.points.push(this.at(event));
    this.paint({ ...this.stroke, points: this.stroke.points.slice(-2) });
  }

  end() {
    if (!this.stroke) return;
    const { stroke } = this;
    this.stroke = null;
    this.redo([...this.done, stroke]);
  }

  // All that was painted, from the beginning: undoing is leaving out the last.
  redo(done) {
    this.done = done.slice(-MOST);
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const each of this.done) this.paint(each);
    const { data } = this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
    let marked = 0;
    for (let each = 3; each < data.length; each += 4) if (data[each] > 127) marked += 1;
    this.marked = marked;
    const share = Math.ceil((400 * marked) / data.length);
    this.canvas.ariaLabel = marked ? gettext("%(share)s % of the picture is marked", { share }) : gettext("Nothing is marked");
    part(this.root, "state").textContent = marked ? gettext("%(share)s % is marked.", { share }) : "";
    part(this.root, "undo").disabled = part(this.root, "clear").disabled = !this.done.length;
  }

  paint({ clear, box, erase, size, points }) {
    const { pen, canvas } = this;
    if (clear) pen.clearRect(0, 0, canvas.width, canvas.height);
    if (box) {
      const [left, top, width, height] = box;
      pen.fillStyle = "#e0218a";
      pen.fillRect(left * canvas.width, top * canvas.height, width * canvas.width, height * canvas.height);
    }
    if (!points) return;
    pen.globalCompositeOperation = erase ? "destination-out" : "source-over";
    pen.strokeStyle = "#e0218a";
    pen.lineWidth = size;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...points[0]);
    for (const point of points.length > 1 ? points.slice(1) : points) pen.lineTo(...point);
    pen.stroke();
    pen.globalCompositeOperation = "source-over";
  }

  // White where it is marked, else black.
  png() {
    const copy = Object.assign(document.createElement("canvas"), { width: this.canvas.width, height: this.canvas.height });
    const pen = copy.getContext("2d");
    pen.drawImage(this.canvas, 0, 0);
    for (const [how, colour] of [["source-in", "#fff"], ["destination-over", "#000"]]) {
      pen.globalCompositeOperation = how;
      pen.fillStyle = colour;
      pen.fillRect(0, 0, copy.width, copy.height);
    }
    return copy.toDataURL("image/png");
  }
}
