// A case: what may hurt is shown only when somebody asks for it. The keys A and X are data-shortcuts of the buttons.
document.addEventListener("click", (event) => {
  const reveal = event.target.closest("[data-reveal]");
  if (reveal) {
    const shown = reveal.ariaPressed === "true";
    const image = reveal.querySelector("img");
    reveal.dataset.blurred ??= image.src;
    image.src = shown ? reveal.dataset.blurred : reveal.dataset.reveal;
    reveal.ariaPressed = String(!shown);
  }
  const show = event.target.closest("[data-show]");
  if (show) play(show.closest("[data-screen]"));
});

function play(screen) {
  const { src, video, label, captions, language } = screen.dataset;
  if (!video) {
    screen.replaceChildren(Object.assign(document.createElement("img"), { src, alt: label }));
    return;
  }
  const player = Object.assign(document.createElement("video"), { src, controls: true, playsInline: true, autoplay: true });
  player.ariaLabel = label;
  if (captions) {
    player.append(Object.assign(document.createElement("track"), { kind: "captions", src: captions, srclang: language, label: "Captions" }));
  }
  screen.replaceChildren(player);
  player.focus();
}

// X asks for the reason first, if none is chosen.
document.querySelector("[data-decide]")?.addEventListener("submit", (event) => {
  const { reason, clause } = event.target.elements;
  if (event.submitter?.value !== "reject") return;
  const missing = [reason, clause].find((field) => !field.value);
  if (!missing) return;
  event.preventDefault();
  missing.setCustomValidity("");
  missing.focus();
  missing.setAttribute("aria-invalid", "true");
});
