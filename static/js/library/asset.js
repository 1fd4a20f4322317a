// The page of one asset.
import { settle, start } from "./detail.js";

start(document.getElementById("main"));
settle(document.querySelector("[data-detail]"));
