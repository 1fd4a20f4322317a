// The point of a picture that stays in view in every shape: dragged, moved by the arrow keys, or left to the machine.
import { part } from "./scenes.js";
import { gettext } from "../words.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.02;
const within = (value, low, high) => Math.min(Math.max(value, low), high);

export function focus(store, stage, root) {
  const place = part(root, "picture");
  const dot = part(root, "focus-dot");
  let dragged = null;
  let seen = null;
  let soon = 0;
  const scene = () => store.scene(stage.current) ?? store.doc.scenes[0];
  const point = () => dragged ?? (scene().focus.length ? scene().focus : stage.variant.framed[scene().id] ?? [0.5, 0.5]);

  // The part of the picture that the frame shows, as the renderer cuts it: [left, top, width, height] in shares.
  const view = () => {
    const media = place.querySelector("img, video");
    const wide = media?.naturalWidth || media?.videoWidth;
    const high = media?.naturalHeight || media?.videoHeight;
    if (!wide || !high || !scene()) return null;
    const ratio = stage.variant.width / stage.variant.height / (wide / high);
    const [width, height] = ratio < 1 ? [ratio, 1] : [1, 1 / ratio];
    const [x, y] = dragged ? seen : point();
    const left = within(x - width / 2, 0, 1 - width);
    const top = within(y - height / 2, 0, 1 - height);
    return { media, left, top, width, height };
  };

  const draw = () => {
    const box = view();
    dot.hidden = !box || !store.editable || (box.width > 0.99 && box.height > 0.99);
    if (!box) return;
    const share = (begin, length) => (length > 0.999 ? 50 : (100 * begin) / (1 - length));
    box.media.style.objectPosition = `${share(box.left, box.width)}% ${share(box.top, box.height)}%`;
    const [x, y] = point();
    dot.style.left = `${within(100 * (x - box.left) / box.width, 3, 97)}%`;
    dot.style.top = `${within(100 * (y - box.top) / box.height, 3, 97)}%`;
    dot.title = scene().focus.length
      ? gettext("This point stays in view. Drag it, or press Delete to leave it to the machine.")
      : gettext("Drag this to what should stay in view. Now it goes by %(framing)s.", { framing: stage.variant.framing });
  };

  const settle = (chosen) => {
    clearTimeout(soon);
    const { id } = scene();
    soon = setTimeout(async () => {
      await store.act({ do: "edit_scene", scene: id, focus: chosen });
      dragged = null;
      draw();
    }, 250);
  };
  const move = ([x, y]) => {
    seen ??= point();
    dragged = [within(x, 0, 1), within(y, 0, 1)];
    draw();
  };

  dot.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    dot.focus();
    dot.setPointerCapture(event.pointerId);
    seen = point();
  });
  dot.addEventListener("pointermove", (event) => {
    if (!dot.hasPointerCapture(event.pointerId)) return;
    const box = view();
    const edge = place.getBoundingClientRect();
    move([
      box.left + (box.width * (event.clientX - edge.left)) / edge.width,
      box.top + (box.height * (event.clientY - edge.top)) / edge.height,
    ]);
  });
  dot.addEventListener("pointerup", () => {
    if (dragged) settle(dragged);
    seen = null;
  });
  dot.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (arrow) {
      event.preventDefault();
      event.stopPropagation();
      const [x, y] = point();
      seen = null;
      move([x + arrow[0] * STEP, y + arrow[1] * STEP]);
      seen = null;
      settle(dragged);
    } else if ((event.key === "Delete" || event.key === "Backspace") && scene().focus.length) {
      event.preventDefault();
      settle([]);
    }
  });

  new MutationObserver(() => {
    const media = place.querySelector("img, video");
    media?.addEventListener(media.tagName === "IMG" ? "load" : "loadedmetadata", draw, { once: true });
    draw();
  }).observe(place, { childList: true });
  store.addEventListener("changed", () => queueMicrotask(draw));
  root.addEventListener("click", () => queueMicrotask(draw));
  draw();
}
