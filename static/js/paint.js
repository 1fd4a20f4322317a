// What a strict policy keeps out of the markup: colours that stand for a picture until it has come, and times.
import { gettext } from "./words.js";
export function start() {
  paint(document);
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) if (node instanceof Element) paint(node);
    }
  }).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("click", copy);
}

function paint(root) {
  const coloured = root.querySelectorAll("[data-colour]");
  for (const element of root.matches?.("[data-colour]") ? [root, ...coloured] : coloured) {
    if (/^#[0-9a-f]{6}$/i.test(element.dataset.colour)) element.style.backgroundColor = element.dataset.colour;
  }
}

// <button data-copy="text"> or <button data-copy-from="#id">: copies, and says so in its own words.
async function copy(event) {
  const button = event.target.closest?.("[data-copy], [data-copy-from]");
  if (!button) return;
  const text = button.dataset.copy ?? document.querySelector(button.dataset.copyFrom)?.textContent ?? "";
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = gettext("Copied");
  } catch {
    label.textContent = "Press Ctrl+C";
    const chosen = getSelection();
    const source = document.querySelector(button.dataset.copyFrom ?? "") ?? button.previousElementSibling;
    if (source) chosen.selectAllChildren(source);
  }
  setTimeout(() => (label.textContent = before), 2000);
}
