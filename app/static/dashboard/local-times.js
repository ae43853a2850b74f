// <time datetime="2026-11-26T14:03:00Z" data-local>2026-11-26 14:03</time>: the time where the visitor is, with
// that in UTC as its title. What says that times are UTC (data-time-zone) then says which zone they are in.
"use strict";

{
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  // Swedish writes times as this service does.
  const format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });

  function convert() {
    for (const time of document.querySelectorAll("time[data-local]")) {
      time.title = `${time.textContent} UTC`;
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
