// Sets the theme that the reader chose, before the page is painted. A classic script, for modules come later.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("headrace-theme");
  } catch {
    // Storage is off: the system's theme is taken.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
