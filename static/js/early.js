// Before the first paint: the chosen appearance.
try {
  const theme = localStorage.getItem("storyloom.theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // No storage: the system's appearance it is.
}
document.documentElement.classList.add("js");
