// The bar at the foot: what stands in the way of publishing, each with the way to its scene.
import { gettext } from "../words.js";
const FASTEST = 190; // words a minute

export function checks(store, root, choose) {
  const draw = () => {
    const { doc } = store;
    if (!doc.scenes.length) {
      root.hidden = true;
      return;
    }
    root.hidden = false;
    // While it is being made, what is missing is only not there yet.
    const found = (doc.state === "making" ? [] : doc.findings).map((finding) => ({ ...finding, scene: doc.scenes.findIndex(({ id }) => id === finding.scene) }));
    doc.scenes.forEach((scene, index) => {
      const words = scene.narration.split(/\s+/).length;
      const pace = Math.round((60 * words) / Math.max(1, scene.seconds - 0.5));
      if (scene.exact && pace > FASTEST) found.push({ severity: "warning", scene: index, message: gettext("It reads fast (%(pace)s words a minute).", { pace }) });
    });
    const good = [
      [gettext("Pictures"), doc.scenes.every(({ picture }) => picture)],
      [gettext("Alt texts"), doc.scenes.every(({ alt }) => alt.trim())],
      [gettext("Licences"), doc.scenes.every(({ picture }) => picture?.licence)],
      ...(doc.variants.some(({ kind }) => kind === "video") ? [[gettext("Captions"), doc.scenes.every(({ timing }) => timing)]] : []),
      [gettext("Up to date"), doc.variants.length > 0 && doc.variants.every(({ fresh }) => fresh)],
    ];
    const items = good.map(([label, holds]) => item(holds ? "ok" : "open", label, holds ? "holds" : gettext("not yet")));
    for (const finding of found) items.push(problem(finding, doc, choose));
    const list = document.createElement("ul");
    list.className = "check-list";
    list.append(...items);
    root.replaceChildren(Object.assign(document.createElement("h2"), { className: "label", textContent: gettext("Checks") }), list);
  };
  store.addEventListener("changed", draw);
  draw();
}

function item(state, label, said) {
  const element = document.createElement("li");
  element.className = `check-item ${state}`;
  element.append(label, Object.assign(document.createElement("span"), { className: "sr", textContent: `: ${said}` }));
  return element;
}

function problem({ severity, scene, message }, doc, choose) {
  const element = document.createElement("li");
  element.className = `check-item ${severity === "blocking" ? "error" : "warning"}`;
  const text = scene >= 0 ? gettext("Scene %(number)s: %(message)s", { number: scene + 1, message }) : message;
  if (scene < 0) {
    element.append(text);
    return element;
  }
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  button.addEventListener("click", () => choose(doc.scenes[scene].id, { focus: true }));
  element.append(button);
  return element;
}
