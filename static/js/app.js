// What every page runs.
import { start as events } from "./events.js";
import { start as menus } from "./menus.js";
import { start as paint } from "./paint.js";
import { start as shortcuts } from "./shortcuts.js";
import { start as theme } from "./theme.js";
import { start as tray } from "./tray.js";

theme();
menus();
paint();
shortcuts();
tray();
events();
