// While there is an element with data-unsaved, leaving the page asks first. A checkbox or button with
// data-saved says that it was saved. A browser asks nobody who has not touched the page yet.
"use strict";

{
  let saved = false;

  function isUnsaved() {
    return !saved && document.querySelector("[data-unsaved]") !== null;
  }

  function note({ type, target }) {
    if (target.matches("input[data-saved]")) {
      saved = target.checked;
    } else if (type === "click" && target.closest("[data-saved]")) {
      saved = true;
    }
  }

  document.addEventListener("change", note);
  document.addEventListener("click", note);
  window.addEventListener("beforeunload", (event) => {
    if (isUnsaved()) {
      event.preventDefault();
    }
  });
}
