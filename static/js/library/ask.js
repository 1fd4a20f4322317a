// A picture as the question: dropped, pasted, chosen or named by its address. What is dropped elsewhere is added.
import { typing } from "../shortcuts.js";
import { given } from "./bring.js";

export function start() {
  const form = document.querySelector("[data-ask-form]");
  const zones = document.querySelector("[data-drop-zones]");
  // The form is really sent, so that the browser shows whatever comes back.
  const ask = (name, value) => {
    const held = new DataTransfer();
    if (name === "picture") held.items.add(value);
    form.elements.picture.files = held.files;
    form.elements.url.value = name === "url" ? value : "";
    form.elements.asked.value = location.search.slice(1);
    document.getElementById("results").setAttribute("aria-busy", "true");
    form.submit();
  };
  form.elements.picture.addEventListener("change", () => {
    if (form.elements.picture.files[0]) ask("picture", form.elements.picture.files[0]);
  });
  document.querySelector("#find").addEventListener("submit", (event) => {
    const words = event.target.elements.q.value.trim();
    if (!/^https?:\/\/\S+$/.test(words)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask("url", words);
  });
  document.addEventListener("paste", (event) => {
    const picture = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (!picture || (typing(event.target) && event.clipboardData.types.includes("text/plain"))) return;
    event.preventDefault();
    ask("picture", picture);
  });

  // Dropping -------------------------------------------------------------------------------------------------------
  const takes = ({ types }) => types.includes("Files") || types.includes("text/uri-list");
  document.addEventListener("dragenter", (event) => {
    if (takes(event.dataTransfer) && !document.querySelector("dialog:modal")) zones.hidden = false;
  });
  document.addEventListener("dragover", (event) => {
    if (!takes(event.dataTransfer)) return;
    event.preventDefault();
    for (const zone of zones.children) zone.classList.toggle("over", zone === event.target);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zones.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    zones.hidden = true;
    if (!takes(event.dataTransfer)) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    const address = event.dataTransfer.getData("text/uri-list").split("\n")[0].trim();
    const where = event.target.dataset?.drop ?? (event.target.closest?.("#find") ? "ask" : "add");
    if (where === "ask" && files.length) ask("picture", files[0]);
    else if (where === "ask" && address) ask("url", address);
    else if (files.length) given(event.dataTransfer.files);
  });
}
