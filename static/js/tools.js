// The page of a library tool: the box by hand or arrow keys, a brush, handles on the time line. The form holds the truth.
import { listen } from "./events.js";
import { gettext } from "./words.js";

const root = document.querySelector("[data-tools]");
const form = root.querySelector("[data-form]");
const frame = root.querySelector("[data-frame]");
const shown = frame?.querySelector("img, video, audio");
const field = (name) => form.elements[name];
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const limit = (name) => ({ low: Number(field(name).min), high: Number(field(name).max) });

// The form --------------------------------------------------------------------------------------------------------

function put(name, value) {
  const { low, high } = limit(name);
  const step = Number(field(name).step) || 1;
  field(name).value = Number(clamp(Math.round(value / step) * step, low, high).toFixed(3));
}

function box() {
  return Object.fromEntries(["left", "top", "width", "height"].map((name) => [name, Number(field(name).value)]));
}

// The box ---------------------------------------------------------------------------------------------------------

function startBox(wide, high) {
  const clip = document.createElement("div");
  clip.className = "tools-clip";
  const handle = document.createElement("button");
  handle.type = "button";
  handle.className = "tools-box";
  handle.setAttribute("aria-label", gettext("The box: arrow keys move it, with Shift they change its size"));
  clip.append(handle);
  frame.append(clip);
  const least = Number(field("width").min);

  const draw = () => {
    const { left, top, width, height } = box();
    handle.style.left = `${(left / wide) * 100}%`;
    handle.style.top = `${(top / high) * 100}%`;
    handle.style.width = `${(width / wide) * 100}%`;
    handle.style.height = `${(height / high) * 100}%`;
  };
  const move = (left, top) => {
    put("left", clamp(left, 0, wide - box().width));
    put("top", clamp(top, 0, high - box().height));
    draw();
  };
  const resize = (width, height) => {
    put("width", clamp(width, least, wide - box().left));
    put("height", clamp(height, least, high - box().top));
    draw();
  };
  handle.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.altKey ? 1 : Math.max(1, Math.round(Math.max(wide, high) / 100));
    const { left, top, width, height } = box();
    if (event.shiftKey) resize(width + way[0] * step, height + way[1] * step);
    else move(left + way[0] * step, top + way[1] * step);
  });
  const drag = (event) => {
    const seen = frame.getBoundingClientRect();
    const scale = wide / seen.width;
    const from = box();
    const edge = handle.getBoundingClientRect();
    const whole = from.width >= wide && from.height >= high;
    const near = Math.min(28, edge.width / 3, edge.height / 3);
    const corner = !whole && edge.right - event.clientX < near && edge.bottom - event.clientY < near;
    const begun = [(event.clientX - seen.left) * scale, (event.clientY - seen.top) * scale];
    const on = (moved) => {
      const across = (moved.clientX - event.clientX) * scale;
      const down = (moved.clientY - event.clientY) * scale;
      if (whole) {
        // Nothing is boxed yet: a drag draws the box.
        if (Math.hypot(across, down) * (1 / scale) < 4) return;
        put("left", Math.min(begun[0], begun[0] + across));
        put("top", Math.min(begun[1], begun[1] + down));
        resize(Math.abs(across), Math.abs(down));
      } else if (corner) resize(from.width + across, from.height + down);
      else move(from.left + across, from.top + down);
    };
    handle.setPointerCapture(event.pointerId);
    handle.addEventListener("pointermove", on);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", on), { once: true });
    event.preventDefault();
    handle.focus();
  };
  handle.addEventListener("pointerdown", drag);
  for (const name of ["left", "top", "width", "height"]) field(name).addEventListener("input", draw);
  draw();
  return handle;
}

// The brush -------------------------------------------------------------------------------------------------------

function startBrush(wide, high, handle) {
  const tools = form.querySelector("[data-brush]");
  const kept = form.querySelector("[data-strokes]");
  const canvas = document.createElement("canvas");
  canvas.width = wide;
  canvas.height = high;
  canvas.setAttribute("aria-hidden", "true");
  frame.append(canvas);
  tools.hidden = false;
  let strokes = JSON.parse(kept.value || "[]");
  let mode = "box";
  const pen = canvas.getContext("2d");

  const draw = () => {
    pen.clearRect(0, 0, wide, high);
    for (const { keep, size, points } of strokes) {
      pen.strokeStyle = keep ? "rgb(40 200 120 / 0.6)" : "rgb(230 60 60 / 0.6)";
      pen.lineWidth = size;
      pen.lineCap = pen.lineJoin = "round";
      pen.beginPath();
      pen.moveTo(...points[0]);
      for (const point of points) pen.lineTo(...point);
      pen.stroke();
    }
    kept.value = JSON.stringify(strokes);
  };
  const choose = (next) => {
    mode = next;
    for (const each of tools.querySelectorAll("[data-mode]")) each.setAttribute("aria-pressed", String(each.dataset.mode === mode));
    canvas.style.pointerEvents = mode === "box" ? "none" : "auto";
    handle.tabIndex = mode === "box" ? 0 : -1;
  };
  canvas.addEventListener("pointerdown", (event) => {
    const at = (moved) => {
      const seen = canvas.getBoundingClientRect();
      return [Math.round(((moved.clientX - seen.left) / seen.width) * wide), Math.round(((moved.clientY - seen.top) / seen.height) * high)];
    };
    const stroke = { keep: mode === "keep", size: Math.max(2, Math.round(Math.max(wide, high) / 40)), points: [at(event)] };
    strokes.push(stroke);
    const on = (moved) => {
      stroke.points.push(at(moved));
      draw();
    };
    canvas.setPointerCapture(event.pointerId);
    canvas.addEventListener("pointermove", on);
    canvas.addEventListener("lostpointercapture", () => canvas.removeEventListener("pointermove", on), { once: true });
    draw();
  });
  for (const each of tools.querySelectorAll("[data-mode]")) each.addEventListener("click", () => choose(each.dataset.mode));
  tools.querySelector("[data-undo]").addEventListener("click", () => {
    strokes = strokes.slice(0, -1);
    draw();
  });
  choose("box");
  draw();
}

// The time line ---------------------------------------------------------------------------------------------------

function startTimeLine() {
  const line = document.createElement("div");
  line.className = "tools-line";
  const ranges = {};
  for (const [name, label] of [["start", gettext("Start on the time line")], ["end", gettext("End on the time line")]]) {
    const range = document.createElement("input");
    range.type = "range";
    Object.assign(range, { min: field(name).min, max: field(name).max, step: "0.01", value: field(name).value });
    range.setAttribute("aria-label", label);
    ranges[name] = range;
    range.addEventListener("input", () => {
      const value = Number(range.value);
      const bound = name === "start" ? Math.min(value, Number(ranges.end.value) - 0.1) : Math.max(value, Number(ranges.start.value) + 0.1);
      put(name, bound);
      range.value = field(name).value;
      shown.currentTime = Number(field(name).value);
    });
    field(name).addEventListener("input", () => (range.value = field(name).value));
    line.append(range);
  }
  frame.parentElement.after(line);
  // What would stay is what plays.
  shown.addEventListener("timeupdate", () => {
    if (!shown.paused && shown.currentTime >= Number(field("end").value)) shown.pause();
  });
}

// ------------------------------------------------------------------------------------------------------------------

if (shown && field("left")) {
  const wide = limit("left").high;
  const high = limit("top").high;
  const handle = startBox(wide, high);
  if (root.dataset.tool === "background") startBrush(wide, high, handle);
}
if (shown && root.dataset.tool === "trim") startTimeLine();

if (root.dataset.job) {
  listen((event) => {
    if (event.job !== Number(root.dataset.job)) return;
    if (event.kind === "job.progress") root.querySelector("[data-state]").textContent = gettext("Being made: %(percent)s %", { percent: Math.round((event.data.progress ?? 0) * 100) });
    else if (["job.done", "job.failed", "job.parked", "job.cancelled"].includes(event.kind)) location.reload();
  });
}
