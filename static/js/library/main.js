// The library's page: one file for each thing that a person does there.
import { start as ask } from "./ask.js";
import { start as bring } from "./bring.js";
import { start as choose } from "./choose.js";
import { start as go } from "./go.js";
import { start as look } from "./look.js";
import { start as move } from "./move.js";
import { scrub } from "../scrub.js";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) document.querySelector(opener.dataset.open).showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

go();
move();
choose();
look();
ask();
bring();
scrub(document.getElementById("main"));
