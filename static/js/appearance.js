// Theme, contrast, motion and single keys; kept for each person on this device. early.js puts them on before the paint.
// A group with data-look="theme" holds buttons or radios whose values are the choices; the empty one follows the system.
const root = document.documentElement;
const NAMES = ["theme", "contrast", "motion", "keys"];

export function start() {
  show();
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-look] button");
    if (button) choose(button.closest("[data-look]").dataset.look, button.value);
  });
  document.addEventListener("change", (event) => {
    const group = event.target.closest("[data-look]");
    if (group) choose(group.dataset.look, event.target.value);
  });
  addEventListener("storage", ({ key, newValue }) => {
    if (key !== `storyloom.look.${root.dataset.person ?? ""}`) return;
    const look = JSON.parse(newValue ?? "{}");
    for (const name of NAMES) put(name, look[name]);
    show();
  });
}

function choose(name, value) {
  put(name, value);
  const look = JSON.stringify(Object.fromEntries(NAMES.filter((each) => root.dataset[each]).map((each) => [each, root.dataset[each]])));
  try {
    localStorage.setItem(`storyloom.look.${root.dataset.person ?? ""}`, look);
    localStorage.setItem("storyloom.look", look); // for the sign-in page, and for who comes next and chose nothing yet
  } catch {
    // No storage: it holds until the page is left.
  }
  show();
}

function put(name, value) {
  if (value) root.dataset[name] = value;
  else delete root.dataset[name];
}

function show() {
  for (const group of document.querySelectorAll("[data-look]")) {
    const chosen = root.dataset[group.dataset.look] ?? "";
    for (const each of group.querySelectorAll("button, input")) {
      if (each.matches("input")) each.checked = each.value === chosen;
      else each.setAttribute("aria-pressed", String(each.value === chosen));
    }
  }
}
