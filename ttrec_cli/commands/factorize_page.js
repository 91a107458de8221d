"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const coarse = matchMedia("(pointer: coarse)");
const config = { responsive: true, displayModeBar: false, displaylogo: false };

function painted(trace, theme) {
  const color = trace.meta[theme];
  return {
    ...trace,
    ...(trace.line && { line: { ...trace.line, color } }),
    ...(trace.marker && { marker: { ...trace.marker, color } }),
  };
}

function draw(plot, theme) {
  const { data, layout } = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
  if (coarse.matches) layout.dragmode = false; // a finger on the plot scrolls the page
  if (plot.clientWidth < 600) {
    const { tickvals, ticktext } = layout.xaxis;
    const roomy = (_, at) => ticktext[at].startsWith("1"); // 2 and 5 would not fit
    layout.xaxis.tickvals = tickvals.filter(roomy);
    layout.xaxis.ticktext = ticktext.filter(roomy);
  }
  return Plotly.react(plot, data.map((trace) => painted(trace, theme)), layout, config);
}

function drawAll(theme) {
  for (const plot of document.querySelectorAll(".plot")) draw(plot, theme);
}

drawAll(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => drawAll(dark.matches ? "dark" : "light"));
addEventListener("beforeprint", () => drawAll("light"));
addEventListener("afterprint", () => drawAll(dark.matches ? "dark" : "light"));
