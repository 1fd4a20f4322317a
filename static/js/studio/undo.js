// Undo and redo: the buttons and the keys. The steps are the server's, so they last over reloads; each person has their own.
import { gettext } from "../words.js";
export function undo(store, root, live) {
  const steps = { undo: root.querySelector("[data-undo]"), redo: root.querySelector("[data-redo]") };
  const names = { undo: gettext("Undo"), redo: gettext("Redo") };
  const keys = { undo: "Ctrl Z", redo: "Ctrl Shift Z" };
  let line = Promise.resolve(); // steps are taken one after the other, however fast they are asked for
  const draw = () => {
    for (const [verb, button] of Object.entries(steps)) {
      const what = store.doc.history[verb];
      const can = store.editable && (what || (verb === "undo" && store.isWaiting));
      button.setAttribute("aria-disabled", String(!can));
      button.title = what ? `${names[verb]}: ${what} (${keys[verb]})` : `Nothing to ${verb}`;
    }
  };
  const take = async (verb) => {
    if (!store.editable) return;
    if (!store.doc.history[verb] && !store.isWaiting) live.textContent = `Nothing to ${verb}.`;
    else if (await store.step(verb)) live.textContent = verb === "undo" ? gettext("Undone.") : gettext("Done again.");
  };
  const step = (verb) => (line = line.then(() => take(verb)));
  for (const [verb, button] of Object.entries(steps)) button.addEventListener("click", () => step(verb));
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog:modal")) return;
    // Fields that are no part of the story have the browser's own undo.
    if (event.target.matches("input:not([type=radio], [type=checkbox], [type=range]), textarea") && !event.target.dataset.field) return;
    const key = event.key.toLowerCase();
    const verb = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : "";
    if (!verb) return;
    event.preventDefault();
    step(verb);
  });
  for (const kind of ["changed", "typed"]) store.addEventListener(kind, draw);
  draw();
}
