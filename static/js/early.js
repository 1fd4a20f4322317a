// Before the first paint: the chosen appearance, kept for each person on this device.
const root = document.documentElement;
try {
  const kept = localStorage.getItem(`storyloom.look.${root.dataset.person ?? ""}`) ?? localStorage.getItem("storyloom.look");
  for (const [name, value] of Object.entries(JSON.parse(kept ?? "{}"))) root.dataset[name] = value;
} catch {
  // No storage: the system's appearance it is.
}
root.classList.add("js");
