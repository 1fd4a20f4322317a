// Single keys: an element with data-shortcut is focused (fields) or clicked by its key, unless somebody is typing.
export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog:modal")) return;
    const wanted = [...document.querySelectorAll("[data-shortcut]")].find(
      (element) => element.dataset.shortcut === event.key && element.checkVisibility?.() !== false,
    );
    if (!wanted) return;
    event.preventDefault();
    wanted.focus();
    if (wanted.matches("input, textarea")) wanted.select();
    else wanted.click();
  });
}

export function typing(element) {
  return element.matches?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]");
}
