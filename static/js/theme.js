// System, light or dark; kept on this device.
const KEY = "storyloom.theme";

export function start() {
  for (const group of document.querySelectorAll("[data-theme-choice]")) {
    show(group);
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.value) {
        document.documentElement.dataset.theme = button.value;
        localStorage.setItem(KEY, button.value);
      } else {
        delete document.documentElement.dataset.theme;
        localStorage.removeItem(KEY);
      }
      show(group);
    });
  }
}

function show(group) {
  const chosen = document.documentElement.dataset.theme ?? "";
  for (const button of group.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === chosen));
  }
}
