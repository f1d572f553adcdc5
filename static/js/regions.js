/* Dependent selects of a region: choosing a place fetches the places below it. Without this script a
   small button shows the form again with them; it comes back if they cannot be fetched. */
(() => {
  "use strict";

  const chinese = document.documentElement.lang.startsWith("zh");

  function follow(box) {
    const selects = [...box.querySelectorAll("select")];
    const button = box.querySelector("[data-region-refresh]");
    const place = document.createComment("");
    let asked = 0;
    button.replaceWith(place); // not merely hidden: the Enter key presses a form's first button

    function show(level, places) {
      for (const [index, select] of selects.entries()) {
        if (index < level) continue;
        const options = index === level ? places : [];
        select.length = 1; // the first line says what to choose
        select.append(...options.map(({ code, zh, en }) => new Option(chinese ? zh : en, code)));
        select.parentElement.hidden = !options.length;
        select.required = selects[0].required && "complete" in box.dataset && options.length > 0;
      }
    }

    async function descend(level, code) {
      const turn = ++asked;
      show(level + 1, []);
      if (!code || level === selects.length - 1) return;
      try {
        const response = await fetch(`/regions/${encodeURIComponent(code)}`);
        if (!response.ok) throw new Error(String(response.status));
        const { places } = await response.json();
        if (turn === asked) show(level + 1, places);
      } catch {
        button.hidden = false;
        place.replaceWith(button);
      }
    }

    selects.forEach((select, level) => select.addEventListener("change", () => descend(level, select.value)));
  }

  document.querySelectorAll("[data-region]").forEach(follow);
})();
