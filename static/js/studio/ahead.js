// Operations that are shown before the server has answered, and wait here while it can't be reached.
const SHOWN = ["motion", "transition", "effect", "focus", "title"];

// Whether an operation can be shown ahead, and so be kept while there is no connection.
export function canWait({ do: verb, ...said }) {
  if (verb === "edit_scene" || verb === "edit_story") return Object.keys(said).every((name) => name === "scene" || SHOWN.includes(name));
  return verb === "move_scene" || verb === "add_scene" || verb === "remove_scene" || (verb === "choose_picture" && "alternative" in said);
}

// The document as it will be when the operation is done.
export function ahead(doc, said) {
  const scenes = [...doc.scenes];
  const at = scenes.findIndex((scene) => scene.id === said.scene);
  if (said.do === "edit_story") return { ...doc, title: said.title };
  if (said.do === "add_scene") {
    if (scenes.some(({ id }) => id === said.id)) return doc;
    scenes.splice(said.position, 0, added(doc, said));
    return { ...doc, scenes };
  }
  if (at < 0) return doc;
  if (said.do === "remove_scene") scenes.splice(at, 1);
  else if (said.do === "move_scene") scenes.splice(said.position, 0, ...scenes.splice(at, 1));
  else if (said.do === "edit_scene") {
    const { do: _verb, scene: _scene, key: _key, ...fields } = said;
    scenes[at] = { ...scenes[at], ...fields };
  } else {
    const picture = scenes[at].alternatives.find(({ id }) => id === said.alternative);
    if (picture) scenes[at] = { ...scenes[at], picture, alt: picture.alt || scenes[at].alt, by_hand: true };
  }
  return { ...doc, scenes };
}

// A scene as the server makes one of a line: like any other, with nothing in it yet.
function added(doc, { id, narration, position }) {
  return { ...blank(doc.scenes[0] ?? {}), id, position, narration, visual: narration, picture: null, again: null, back: null, end: null, seconds: 2 };
}

function blank(value) {
  if (Array.isArray(value)) return [];
  if (value === null) return null;
  if (typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, blank(each)]));
  return { string: "", number: 0, boolean: false }[typeof value];
}
