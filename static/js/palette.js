// Ctrl or ⌘ with K: go anywhere, find stories, pictures and people, do what the page offers.
const ACTS = ".top :is(.btn, .menu-item), main [data-act], [data-shortcut]";
const MOST = 7;
const SOON = 120;
let places = null;
let asking = null;
let timer = 0;
let shown = [];
let at = 0;

export function start() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const box = dialog.querySelector("input");
  const open = () => {
    if (dialog.open || document.querySelector("dialog:modal")) return;
    box.value = "";
    acts = offered();
    dialog.showModal();
    draw(dialog, []);
    ask(dialog, "");
  };
  let acts = [];
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("click", (event) => event.target.closest("[data-palette-open]") && open());
  box.addEventListener("input", () => {
    draw(dialog, []);
    clearTimeout(timer);
    timer = setTimeout(() => ask(dialog, box.value.trim()), SOON);
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) mark(dialog, (at + step + shown.length) % (shown.length || 1));
    else if (event.key === "Enter") run(dialog, shown[at], event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) run(dialog, shown[Number(row.dataset.at)], event.ctrlKey || event.metaKey);
    else if (event.target === dialog) dialog.close();
  });

  function draw(dialog, found) {
    const words = box.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fits = ({ label }) => words.every((word) => ` ${label.toLowerCase()}`.includes(` ${word}`) || (word.length > 2 && label.toLowerCase().includes(word)));
    const groups = [
      [dialog.dataset.here, acts.filter(fits).slice(0, words.length ? MOST : 5)],
      [dialog.dataset.go, (places ?? []).filter(fits).slice(0, words.length ? MOST : 20)],
      ...Object.entries(Object.groupBy(found, ({ group }) => group)),
    ].filter(([, rows]) => rows.length);
    shown = groups.flatMap(([, rows]) => rows);
    const list = dialog.querySelector("[role=listbox]");
    let number = 0;
    list.replaceChildren(
      ...groups.map(([title, rows], place) => {
        const group = element("div", { role: "group", ariaLabel: title });
        group.append(element("p", { className: "menu-head", ariaHidden: "true", textContent: title }));
        for (const row of rows) group.append(option(row, number++));
        return group;
      }),
    );
    dialog.querySelector("[data-none]").hidden = shown.length > 0 || !words.length;
    mark(dialog, 0);
  }

  async function ask(dialog, words) {
    if (!words && places) return draw(dialog, recent);
    asking?.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(`${dialog.dataset.address}?${new URLSearchParams({ q: words })}`, { signal: asking.signal });
      if (!answer.ok || answer.redirected) return;
      const told = await answer.json();
      places = told.places ?? places;
      if (!words) recent = told.found;
      if (box.value.trim() === words) draw(dialog, told.found);
    } catch {
      // Offline, or typed on: the acts of the page stay.
    }
  }
  let recent = [];
}

// What the page offers, by its buttons and fields. What is in a closed menu counts; what is hidden doesn't.
function offered() {
  const rows = [...document.querySelectorAll(ACTS)]
    .filter((each) => !each.disabled && each.ariaDisabled !== "true" && !each.closest("[hidden], dialog"))
    .filter((each) => each.closest(".menu-body") || each.checkVisibility?.() !== false)
    .map((each) => ({ label: name(each), act: each, key: each.dataset.shortcut ?? each.ariaKeyShortcuts ?? "" }));
  return rows.filter(({ label }, at) => label && rows.findIndex((each) => each.label === label) === at);
}

function name(each) {
  const label = each.labels?.[0]?.textContent ?? each.querySelector(".menu-label")?.textContent;
  const bare = each.cloneNode(true);
  for (const part of bare.querySelectorAll("kbd, .badge, .muted")) part.remove();
  return (each.ariaLabel ?? label ?? bare.textContent).replace(/\s+/g, " ").trim();
}

function option({ label, hint, picture, key }, number) {
  const row = element("div", { role: "option", id: `palette-${number}`, className: "menu-item", ariaSelected: "false" });
  row.dataset.at = number;
  if (picture) row.append(element("img", { src: picture, alt: "", width: 28, height: 28, loading: "lazy" }));
  row.append(element("span", { className: "cut grow", textContent: label }));
  if (hint) row.append(element("span", { className: "small muted", textContent: hint }));
  if (key) row.append(element("kbd", { textContent: key }));
  return row;
}

function mark(dialog, number) {
  at = number;
  for (const row of dialog.querySelectorAll("[role=option]")) {
    const on = Number(row.dataset.at) === at;
    row.ariaSelected = String(on);
    if (on) row.scrollIntoView({ block: "nearest" });
  }
  dialog.querySelector("input").setAttribute("aria-activedescendant", shown.length ? `palette-${at}` : "");
}

function run(dialog, row, apart) {
  if (!row) return;
  dialog.close();
  if (row.url) {
    if (apart) open(row.url, "_blank", "noopener");
    else location.href = row.url;
    return;
  }
  const { act } = row;
  const menu = act.closest("details.menu:not([open])");
  if (menu && act.matches("input, select, textarea, summary")) menu.open = true;
  act.focus();
  if (!act.matches("input:not([type=checkbox], [type=radio]), select, textarea")) act.click();
}

function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
