// What every page runs.
import { start as appearance } from "./appearance.js";
import { start as bell } from "./bell.js";
import { start as events } from "./events.js";
import { start as generate } from "./generate.js";
import { start as menus } from "./menus.js";
import { start as paint } from "./paint.js";
import { start as offers } from "./offers.js";
import { start as palette } from "./palette.js";
import { start as shortcuts } from "./shortcuts.js";
import { start as tray } from "./tray.js";
import { start as uploads } from "./uploads.js";

appearance();
menus();
generate();
paint();
shortcuts();
palette();
offers();
tray();
uploads();
bell();
events();

// On a phone the tab of this page may lie beyond the edge.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 48;
