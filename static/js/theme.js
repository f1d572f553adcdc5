/* Loaded before the first paint: resolves data-theme="auto" to the device's light or dark. */
(() => {
  "use strict";
  const root = document.documentElement;
  const darkDevice = window.matchMedia("(prefers-color-scheme: dark)");

  function apply() {
    const wish = root.dataset.theme;
    const dark = wish === "dark" || (wish !== "light" && darkDevice.matches);
    root.dataset.bsTheme = dark ? "dark" : "light";
  }

  root.classList.add("has-js");
  apply();
  darkDevice.addEventListener("change", apply);
})();
