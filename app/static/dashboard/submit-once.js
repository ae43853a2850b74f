// A form that posts is sent once, however often its button is pressed before the answer is there.
"use strict";

{
  const RELEASED_AFTER = 10000; // the visitor stopped it, or chose to stay on a page that asked
  const sent = new Map();

  function release(form) {
    sent.get(form)?.removeAttribute("aria-busy");
    sent.delete(form);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    // What htmx sends is prevented here already; it sends one at a time by itself.
    if (event.defaultPrevented || form.method !== "post") {
      return;
    }
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    // Not `disabled`: what the button says would not be sent along.
    event.submitter?.setAttribute("aria-busy", "true");
    sent.set(form, event.submitter);
    setTimeout(release, RELEASED_AFTER, form);
  });

  // The visitor came back, and the browser has kept the page as it was left.
  window.addEventListener("pageshow", () => {
    for (const form of [...sent.keys()]) {
      release(form);
    }
  });
}
