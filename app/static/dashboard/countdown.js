// <time datetime="…" data-countdown="90061">1 day 1 hour</time>: the time that is left goes down.
// The seconds are counted from when they came, since the visitor's clock may be wrong. Each change of what is
// counted down to is a new element, so nothing is ever counted twice.
"use strict";

{
  const ends = new WeakMap();

  function counted(number, unit) {
    return `${number} ${unit}${number === 1 ? "" : "s"}`;
  }

  function told(seconds) {
    const days = Math.floor(seconds / 86400);
    const hours = Math.floor(seconds / 3600) % 24;
    const minutes = Math.floor(seconds / 60) % 60;
    if (days) {
      return `${counted(days, "day")} ${counted(hours, "hour")}`;
    }
    return hours
      ? `${counted(hours, "hour")} ${counted(minutes, "minute")}`
      : `${counted(minutes, "minute")} ${counted(seconds % 60, "second")}`;
  }

  function tick() {
    for (const time of document.querySelectorAll("time[data-countdown]")) {
      if (!ends.has(time)) {
        ends.set(time, Date.now() + Number(time.dataset.countdown) * 1000);
      }
      const left = Math.max(0, Math.ceil((ends.get(time) - Date.now()) / 1000));
      const text = left ? told(left) : "over";
      if (time.textContent !== text) {
        time.textContent = text;
      }
    }
  }

  tick();
  setInterval(tick, 1000);
}
