// Single keys: an element with data-shortcut is focused (fields) or clicked by its key, unless somebody is typing or has
// turned single keys off. "?" lists the keys of the page.
export function start() {
  document.addEventListener("keydown", (event) => {
    if (!single(event)) return;
    const wanted = [...document.querySelectorAll("[data-shortcut]")].find(
      (element) => element.dataset.shortcut === event.key && element.checkVisibility?.() !== false,
    );
    if (event.key === "?") list();
    else if (!wanted) return;
    event.preventDefault();
    if (!wanted) return;
    wanted.focus();
    if (wanted.matches("input, textarea")) wanted.select();
    else wanted.click();
  });
  document.addEventListener("click", (event) => event.target.closest("[data-keys-list]") && list());
}

function list() {
  document.getElementById("keys")?.showModal();
}

// Whether a key that was pressed alone may do something.
export function single(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return false;
  return document.documentElement.dataset.keys !== "off" && !document.querySelector("dialog:modal");
}

export function typing(element) {
  return element.matches?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]");
}
