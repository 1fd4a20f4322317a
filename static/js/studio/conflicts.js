// Where two people wrote the same, or a scene went from under somebody's words: both are shown, and the editor chooses.
import { gettext } from "../words.js";

const FIELDS = {
  title: gettext("the headline"),
  on_screen: gettext("the on-screen text"),
  alt: gettext("the alternative text"),
  visual: gettext("the words for the picture"),
};

// What stands where the field is, or in the panel: theirs, and the two ways on.
export function both(store, edit, place) {
  const said = line(edit.who ? gettext("%(who)s changed %(place)s to:", { who: edit.who, place }) : gettext("Someone else changed %(place)s to:", { place }));
  const theirs = Object.assign(document.createElement("blockquote"), { textContent: edit.clash || gettext("(empty)"), dir: "auto" });
  const acts = buttons([
    [gettext("Keep mine"), () => store.settle(edit.scene, edit.field, { mine: true })],
    [gettext("Take theirs"), () => store.settle(edit.scene, edit.field, { mine: false })],
  ]);
  return [said, theirs, acts];
}

// Everything that has no place of its own among the scenes.
export function conflicts(store, root) {
  const draw = () => {
    const shown = [...store.pending.values()].filter((edit) => edit.orphan || (edit.clash !== undefined && edit.field !== "narration"));
    root.hidden = !shown.length;
    root.replaceChildren(
      ...shown.map((edit) => {
        const box = Object.assign(document.createElement("div"), { className: "clash" });
        box.append(...(edit.orphan ? orphaned(store, edit) : clashing(store, edit)));
        return box;
      }),
    );
  };
  for (const kind of ["changed", "clash", "orphaned"]) store.addEventListener(kind, draw);
  draw();
}

function clashing(store, edit) {
  const scene = store.doc.scenes.findIndex(({ id }) => id === edit.scene) + 1;
  const field = FIELDS[edit.field] ?? edit.field;
  const place = scene ? gettext("%(field)s of scene %(number)s", { field, number: scene }) : field;
  const mine = Object.assign(document.createElement("blockquote"), { textContent: edit.value || gettext("(empty)"), dir: "auto" });
  return [line(gettext("You wrote for %(place)s:", { place })), mine, ...both(store, edit, gettext("it"))];
}

function orphaned(store, edit) {
  const words = Object.assign(document.createElement("blockquote"), { textContent: edit.value, dir: "auto" });
  return [
    line(gettext("The scene that you wrote this in was removed:")),
    words,
    buttons([
      [gettext("Add it as a scene"), () => store.settleOrphan(edit, { keep: true })],
      [gettext("Let it go"), () => store.settleOrphan(edit, { keep: false })],
    ]),
  ];
}

function line(text) {
  return Object.assign(document.createElement("p"), { textContent: text });
}

function buttons(offered) {
  const row = Object.assign(document.createElement("p"), { className: "row" });
  for (const [label, act] of offered) {
    const button = Object.assign(document.createElement("button"), { className: "btn", type: "button", textContent: label });
    button.addEventListener("click", act);
    row.append(button);
  }
  return row;
}
