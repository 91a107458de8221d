"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const coarse = matchMedia("(pointer: coarse)");
const config = { responsive: true, displayModeBar: false, displaylogo: false };

function painted(trace, theme) {
  const color = trace.meta[theme];
  const copy = { ...trace, line: { ...trace.line, color } };
  if (trace.marker) copy.marker = { ...trace.marker, color };
  if (trace.error_y) copy.error_y = { ...trace.error_y, color };
  return copy;
}

function draw(plot, theme) {
  const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
  const layout = figure.layout;
  if (coarse.matches) layout.dragmode = false; // a finger on the plot scrolls the page
  if (plot.clientWidth < 600) {
    layout.margin = { ...layout.margin, l: 52, r: 8 };
    const decade = (at) => layout.xaxis.ticktext[at].startsWith("1"); // 2 and 5 would not fit
    layout.xaxis.tickvals = layout.xaxis.tickvals.filter((_, at) => decade(at));
    layout.xaxis.ticktext = layout.xaxis.ticktext.filter((text) => text.startsWith("1"));
  }
  return Plotly.react(plot, figure.data.map((trace) => painted(trace, theme)), layout, config);
}

function drawAll(theme) {
  for (const plot of document.querySelectorAll(".plot")) draw(plot, theme);
}

drawAll(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => drawAll(dark.matches ? "dark" : "light"));
addEventListener("beforeprint", () => drawAll("light"));
addEventListener("afterprint", () => drawAll(dark.matches ? "dark" : "light"));
