// <figure class="chart" data-chart="…/usage.json" data-kind="bars" or "line">: a chart, above what is in it: a
// table of the same numbers, for who cannot see it. The endpoint answers
//   {"step": "hour" or "day", "times": [unix seconds], "series": [{"label": "Requests", "values": [number]}]}
// with the series that has the higher numbers first. Colours are the style sheet's: --chart-1, --chart-2, … for
// the series, --chart-text and --chart-grid.
"use strict";

{
  const HEIGHT = 220;
  const WHOLE_NUMBERS = (chart, ticks) => ticks.map((tick) => Number.isInteger(tick) ? tick.toLocaleString("en") : "");
  const NONE = [null, null, null, null, null];
  const TIMES = [
    [31536000, "{YYYY}", null, ...NONE, 1],
    [2419200, "{MMM}", "\n{YYYY}", ...NONE, 1],
    [86400, "{D} {MMM}", "\n{YYYY}", ...NONE, 1],
    [60, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
  ];

  function options(figure, { step, series }) {
    const style = getComputedStyle(figure);
    const colour = (name) => style.getPropertyValue(`--chart-${name}`).trim();
    const inUtc = step === "day"; // as its days are counted; an hour is told as the visitor's
    const isBars = figure.dataset.kind === "bars";
    const axis = {
      font: `12px ${style.fontFamily}`,
      stroke: colour("text"),
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { show: false },
    };
    return {
      width: figure.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => inUtc ? uPlot.tzDate(new Date(seconds * 1000), "UTC") : new Date(seconds * 1000),
      cursor: { drag: { x: false } },
      scales: { y: { range: (chart, low, high) => [0, Math.max(high * 1.05, 1)] } },
      axes: [{ ...axis, values: TIMES }, { ...axis, values: WHOLE_NUMBERS, size: 60 }],
      series: [
        { label: "Time", value: inUtc ? "{YYYY}-{MM}-{DD}" : "{YYYY}-{MM}-{DD} {HH}:{mm}" },
        ...series.map(({ label }, at) => ({
          label,
          stroke: colour(at + 1),
          fill: isBars ? colour(at + 1) : undefined,
          width: isBars ? 0 : 2,
          paths: isBars ? uPlot.paths.bars({ size: [0.8, 40] }) : undefined,
          points: { show: false },
        })),
      ],
    };
  }

  async function show(figure) {
    const place = document.createElement("div");
    place.setAttribute("aria-hidden", "true");
    figure.prepend(place);
    const answer = await fetch(figure.dataset.chart);
    if (!answer.ok) {
      place.textContent = "The chart could not be loaded. Its numbers are in the table.";
      return;
    }
    const shown = await answer.json();
    const data = [shown.times, ...shown.series.map(({ values }) => values)];
    let chart;
    const draw = () => {
      chart?.destroy();
      chart = new uPlot(options(figure, shown), data, place);
    };
    draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    new ResizeObserver(() => {
      if (chart.width !== figure.clientWidth) {
        chart.setSize({ width: figure.clientWidth, height: HEIGHT });
      }
    }).observe(figure);
  }

  for (const figure of document.querySelectorAll("[data-chart]")) {
    show(figure);
  }
}
