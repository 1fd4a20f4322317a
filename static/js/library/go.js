// From one question to the next without leaving the page: chips, the box, sorting, Back; and more tiles at the end.
const NEAR = "800px";
let asking = null;

export function start() {
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("[data-go]");
    if (link) {
      event.preventDefault();
      go(link.href, { from: link.dataset.go });
    }
    const more = event.target.closest("[data-more]");
    if (more) {
      event.preventDefault();
      append(more, true);
    }
    const filters = event.target.closest("[data-filters]");
    if (filters) {
      const open = document.getElementById("facet-menus").classList.toggle("open");
      filters.setAttribute("aria-expanded", open);
    }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-find]")) return;
    event.preventDefault();
    const said = [...new FormData(event.target)].filter(([, value]) => value);
    go(`${event.target.action}?${new URLSearchParams(said)}`, { from: "find" });
  });
  const box = document.getElementById("q");
  // The cross of the box empties it; Enter has sent the form already.
  box.addEventListener("search", () => {
    if (!box.value) box.form.requestSubmit();
  });
  addEventListener("popstate", () => go(location.href, { push: false }));
  watch();
}

export async function go(address, { push = true, from = "" } = {}) {
  const results = document.getElementById("results");
  const menu = document.querySelector("details.facet[open]")?.dataset.menu;
  const filters = document.getElementById("facet-menus")?.classList.contains("open");
  asking?.abort();
  asking = new AbortController();
  results.setAttribute("aria-busy", "true");
  let page;
  try {
    const answer = await fetch(address, { signal: asking.signal });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    if (error.name !== "AbortError") location.href = address; // the browser says what is wrong
    return;
  }
  const fresh = page.getElementById("results");
  if (!fresh) {
    location.href = address;
    return;
  }
  results.replaceChildren(...fresh.childNodes);
  results.setAttribute("aria-busy", "false");
  for (const each of page.querySelectorAll("[data-asked]")) document.querySelector("[data-asked]").value = each.value;
  const box = document.getElementById("q");
  if (document.activeElement !== box || from === "find") box.value = page.getElementById("q").value;
  document.title = page.title;
  if (push) history.pushState(null, "", address);
  const again = menu && from.startsWith(`${menu}:`) && results.querySelector(`[data-menu="${CSS.escape(menu)}"]`);
  if (again) again.open = true;
  if (filters) {
    document.getElementById("facet-menus").classList.add("open");
    results.querySelector("[data-filters]")?.setAttribute("aria-expanded", "true");
  }
  const same = from && results.querySelector(`[data-go="${CSS.escape(from)}"]`);
  if (same) same.focus();
  else if (from && from !== "find") document.getElementById("main").focus({ preventScroll: true });
  if (from === "like" || from === "first" || from.startsWith("off:")) scrollTo(0, 0);
  watch();
  document.dispatchEvent(new CustomEvent("library:shown"));
}

async function append(link, asked = false) {
  if (link.getAttribute("aria-disabled") === "true") return;
  link.setAttribute("aria-disabled", "true");
  const answer = await fetch(`${link.href}&part=tiles`).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    link.removeAttribute("aria-disabled");
    if (asked) location.href = link.href;
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const there = new Set([...document.querySelectorAll("[data-tile]")].map((tile) => tile.dataset.tile));
  const tiles = [...page.querySelectorAll("[data-grid] > li")].filter((tile) => !there.has(tile.dataset.tile));
  document.querySelector("[data-grid]").append(...tiles);
  const next = page.querySelector("[data-more]")?.parentElement;
  link.parentElement.replaceWith(...(next ? [next] : []));
  if (asked) tiles[0]?.querySelector("a").focus();
  watch();
  document.dispatchEvent(new CustomEvent("library:shown"));
}

// Near the end of the page the next tiles come by themselves; the link stays for those who don't scroll.
const nearly = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) append(target);
  },
  { rootMargin: NEAR },
);

function watch() {
  nearly.disconnect();
  const link = document.querySelector("[data-more]");
  if (link) nearly.observe(link);
}
