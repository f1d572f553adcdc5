/* Small improvements; every page works without them. One function per behaviour, each bound by a data attribute. */
(() => {
  "use strict";

  /* Menus built from <details data-menu> close on Escape and on a click elsewhere. */
  function closeMenus() {
    const closeOthers = (kept) =>
      document.querySelectorAll("details[data-menu][open]").forEach((menu) => {
        if (menu !== kept) menu.open = false;
      });
    document.addEventListener("click", (event) => closeOthers(event.target.closest("details[data-menu]")));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      const open = document.querySelector("details[data-menu][open]");
      if (open) {
        open.open = false;
        open.querySelector("summary").focus();
      }
    });
  }

  /* <form data-guard> asks before typed words are lost; data-guard="dirty" counts as changed from the start. */
  function guardUnsaved() {
    const changed = new Set(document.querySelectorAll('form[data-guard="dirty"]'));
    document.addEventListener("input", (event) => {
      const form = event.target.form;
      if (form && form.hasAttribute("data-guard")) changed.add(form);
    });
    document.addEventListener("rows-changed", (event) => {
      const form = event.target.closest("form[data-guard]");
      if (form) changed.add(form);
    });
    document.addEventListener("submit", (event) => {
      if (!event.defaultPrevented) changed.clear();
    });
    window.addEventListener("beforeunload", (event) => {
      if (changed.size) event.preventDefault();
    });
  }

  /* A form that posts is sent once, however often its button is pressed. */
  function sendOnce() {
    document.addEventListener("submit", (event) => {
      const form = event.target;
      if (form.method !== "post" || event.defaultPrevented) return;
      if (form.hasAttribute("data-sending")) {
        event.preventDefault();
        return;
      }
      form.setAttribute("data-sending", "");
    });
    // The browser's Back button may restore the page as it was left.
    window.addEventListener("pageshow", () =>
      document.querySelectorAll("form[data-sending]").forEach((form) => form.removeAttribute("data-sending")),
    );
  }

  /* <textarea data-autogrow> is as tall as its text. */
  function growTextareas() {
    const grow = (area) => {
      if (area.scrollHeight > area.clientHeight) area.style.height = `${area.scrollHeight + 4}px`;
    };
    document.querySelectorAll("textarea[data-autogrow]").forEach(grow);
    document.addEventListener("input", (event) => {
      if (event.target.matches("textarea[data-autogrow]")) grow(event.target);
    });
  }

  /* <form data-autosubmit>: choosing an option of a filter is enough. Not from the keyboard, where
     each arrow key is a choice and a page that reloads under one's hands is a nuisance. */
  function submitFilters() {
    let byPointer = false;
    document.addEventListener("pointerdown", () => (byPointer = true), true);
    document.addEventListener("keydown", () => (byPointer = false), true);
    document.addEventListener("change", (event) => {
      const form = event.target.closest("form[data-autosubmit]");
      if (form && byPointer && event.target.matches("select, [type=checkbox], [type=radio]")) form.requestSubmit();
    });
  }

  /* Repeated rows (components/rows.html): clone the <template> instead of asking the server. */
  function editRows(box) {
    const list = box.querySelector("[data-row-list]");
    const template = box.querySelector("template[data-blank]");
    const addButton = box.querySelector("[data-add-row]");
    const minimum = Number(box.dataset.min || 0);
    const maximum = Number(box.dataset.max || Infinity);
    const rows = () => [...list.querySelectorAll(":scope > [data-row]")];
    const indexOf = (id) => Number(id.slice(box.id.length + 1));

    function settle() {
      const shown = rows();
      shown.forEach((row, position) => {
        row.querySelector(".row-title").textContent = box.dataset.rowTitle.replace("{n}", position + 1);
        row.querySelector("[data-remove-row]").hidden = shown.length <= minimum;
      });
      addButton.hidden = shown.length >= maximum;
    }

    function renumber(row, index) {
      const blank = template.dataset.blank;
      const renamed = `${box.dataset.rows}-${index}`;
      for (const element of [row, ...row.querySelectorAll("*")]) {
        for (const name of ["id", "name", "for", "value", "aria-describedby", "aria-labelledby"]) {
          const value = element.getAttribute(name);
          if (value && value.startsWith(blank)) element.setAttribute(name, value.replaceAll(blank, renamed));
        }
      }
    }

    if (template) {
      addButton.addEventListener("click", (event) => {
        event.preventDefault();
        const next = Math.max(-1, ...rows().map((row) => indexOf(row.id))) + 1;
        const row = template.content.firstElementChild.cloneNode(true);
        renumber(row, next);
        list.append(row);
        settle();
        row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
        box.dispatchEvent(new CustomEvent("rows-changed", { bubbles: true }));
      });
    }
    list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-remove-row]");
      if (!button) return;
      event.preventDefault();
      const row = button.closest("[data-row]");
      const neighbour = row.previousElementSibling || row.nextElementSibling || box;
      row.remove();
      settle();
      neighbour.focus();
      box.dispatchEvent(new CustomEvent("rows-changed", { bubbles: true }));
    });
    settle();
  }

  closeMenus();
  guardUnsaved();
  sendOnce();
  growTextareas();
  submitFilters();
  document.querySelectorAll("[data-rows]").forEach(editRows);
  document.querySelector("[data-autofocus]")?.focus();
})();
