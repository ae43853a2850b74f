// <time datetime="2026-11-26T14:03:00Z" data-local>2026-11-26 14:03</time> becomes the time where the visitor is,
// and what names UTC as the zone of the times, an element with data-time-zone, names theirs.
"use strict";

{
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  // Swedish writes times as this service does.
  const format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });

  function convert() {
    for (const time of document.querySelectorAll("time[data-local]")) {
      time.textContent = format.format(new Date(time.dateTime));
      delete time.dataset.local;
    }
    for (const note of document.querySelectorAll("[data-time-zone]")) {
      note.textContent = timeZone;
    }
  }

  convert();
  document.addEventListener("htmx:after:swap", convert);
}
