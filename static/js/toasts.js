// A sentence that comes and goes, with an act where there is one.
export function toast(text, { label = "", act = null, seconds = 6 } = {}) {
  const shelf = document.getElementById("toasts");
  const element = document.createElement("div");
  element.className = "toast";
  element.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (act) {
    const button = Object.assign(document.createElement("button"), { className: "btn", textContent: label, type: "button" });
    button.addEventListener("click", () => {
      element.remove();
      act();
    });
    element.append(button);
  }
  shelf.append(element);
  setTimeout(() => element.remove(), seconds * 1000);
}
