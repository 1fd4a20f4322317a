// A sentence that comes and goes, with acts where there are some: [words, function].
export function toast(text, { label = "", act = null, acts = act ? [[label, act]] : [], seconds = 6 } = {}) {
  const shelf = document.getElementById("toasts");
  const element = document.createElement("div");
  element.className = "toast";
  element.append(Object.assign(document.createElement("span"), { textContent: text }));
  for (const [words, then] of acts) {
    const button = Object.assign(document.createElement("button"), { className: "btn", textContent: words, type: "button" });
    button.addEventListener("click", () => {
      element.remove();
      then();
    });
    element.append(button);
  }
  shelf.append(element);
  setTimeout(() => element.remove(), seconds * 1000);
}
