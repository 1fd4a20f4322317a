// The library: the drawer, scrubbing through clips, bringing files in, more at the end of the page.
import { listen } from "./events.js";
import { scrub } from "./scrub.js";

const drawer = document.getElementById("drawer");
const bringIn = document.getElementById("bring-in");

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) document.querySelector(opener.dataset.open).showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  if (event.target === drawer) drawer.close();
  const seek = event.target.closest("[data-seek]");
  if (seek) play(seek);
  const tile = event.target.closest("[data-asset]");
  if (tile && drawer && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    await show(tile);
  }
  const more = event.target.closest("[data-more]");
  if (more) {
    event.preventDefault();
    await append(more);
  }
});
drawer?.addEventListener("close", () => document.getElementById("drawer-body").replaceChildren());

async function show(tile) {
  const answer = await fetch(`${tile.href}?drawer=1`);
  if (!answer.ok || answer.redirected) {
    location.href = tile.href;
    return;
  }
  const body = document.getElementById("drawer-body");
  body.innerHTML = await answer.text();
  const why = tile.parentElement.querySelector("template[data-why]");
  if (why) body.querySelector("[data-why-here]").replaceChildren(why.content.cloneNode(true));
  drawer.showModal();
}

function play(button) {
  const media = button.closest("[data-detail]").querySelector("video, audio");
  if (!media) return;
  media.currentTime = Number(button.dataset.seek);
  media.play();
}

async function append(link) {
  link.setAttribute("aria-disabled", "true");
  const answer = await fetch(link.href);
  if (!answer.ok || answer.redirected) {
    location.href = link.href;
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const tiles = [...page.querySelectorAll("[data-grid] > li")];
  document.querySelector("[data-grid]").append(...tiles);
  const next = page.querySelector(".more");
  link.closest(".more").replaceWith(...(next ? [next] : []));
  tiles[0]?.querySelector("a").focus();
}

// Near the end of the page the next tiles come by themselves; the link stays for those who don't scroll.
const nearly = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && target.getAttribute("aria-disabled") !== "true") append(target);
    }
  },
  { rootMargin: "600px" },
);
const watch = () => {
  const link = document.querySelector("[data-more]");
  if (link) nearly.observe(link);
};
watch();
new MutationObserver(watch).observe(document.getElementById("main"), { childList: true, subtree: true });

scrub(document.getElementById("main"));

// The cross of the search box empties it; Enter has sent the form already.
const words = document.getElementById("q");
words?.addEventListener("search", () => {
  if (!words.value) words.form.requestSubmit();
});

// Bringing files in ----------------------------------------------------------------------------------------------------
const form = document.querySelector("[data-upload]");
if (form) {
  const input = form.elements.uploads;
  const say = () => {
    const bytes = [...input.files].reduce((sum, { size }) => sum + size, 0);
    const count = input.files.length;
    form.querySelector("[data-chosen]").textContent = count
      ? `${count} file${count > 1 ? "s" : ""}, ${(bytes / 1e6).toFixed(1)} MB`
      : "Drop them anywhere on this page, or choose them here.";
  };
  input.addEventListener("change", say);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
  document.addEventListener("dragover", (event) => {
    if ([...event.dataTransfer.types].includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    say();
    if (bringIn && !bringIn.open) bringIn.showModal();
  });
}

// With XMLHttpRequest, since fetch doesn't tell how much was sent.
function send(form) {
  const request = new XMLHttpRequest();
  const bar = form.querySelector("[data-sending]");
  bar.hidden = false;
  form.querySelector(".btn.primary").disabled = true;
  request.upload.onprogress = ({ loaded, total }) => (bar.value = total ? loaded / total : 0);
  request.onload = () => {
    if (request.status < 400) {
      location.href = request.responseURL;
      return;
    }
    document.open();
    document.write(request.responseText);
    document.close();
  };
  request.onerror = () => {
    bar.hidden = true;
    form.querySelector(".btn.primary").disabled = false;
    form.querySelector("[data-label]").textContent = "The connection broke. Send again";
  };
  request.open("POST", form.action);
  request.send(new FormData(form));
}

// What becomes of each file ----------------------------------------------------------------------------------------------
const importing = document.getElementById("import");
if (importing) {
  let soon = 0;
  listen(({ job, kind }) => {
    if (String(job) !== importing.dataset.import || kind === "job.progress") return;
    clearTimeout(soon);
    soon = setTimeout(async () => {
      const answer = await fetch(importing.dataset.importState);
      if (answer.ok && !answer.redirected) importing.innerHTML = await answer.text();
    }, 250);
  });
}
