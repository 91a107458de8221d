"use strict";
// Figures: painted by theme, fitted to narrow windows, redrawn light for the printer.
const dark = matchMedia("(prefers-color-scheme: dark)");
const coarse = matchMedia("(pointer: coarse)");
const config = { responsive: true, displayModeBar: false, displaylogo: false };
const figures = new Map();
const theme = () => (dark.matches ? "dark" : "light");

function parsed(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

function translucent(color, opacity) {
  const channel = (at) => parseInt(color.slice(at, at + 2), 16);
  return `rgba(${channel(1)},${channel(3)},${channel(5)},${opacity})`;
}

function painted(trace, look) {
  const color = trace.meta[look];
  const copy = { ...trace, line: { ...trace.line, color } };
  if (trace.type === "bar") delete copy.line;
  if (trace.marker) copy.marker = { ...trace.marker, color };
  if (trace.error_y) copy.error_y = { ...trace.error_y, color };
  if (trace.textfont) copy.textfont = { ...trace.textfont, color };
  if (trace.meta.fill) copy.fillcolor = translucent(color, trace.meta.fill);
  return copy;
}

function narrowed(layout, names) {
  const margin = { ...layout.margin, l: 52, r: 8 };
  const xaxis = { ...layout.xaxis };
  if (xaxis.type === "log") {
    // Between the powers of ten, 2 and 5 would not fit.
    const decade = (at) => xaxis.ticktext[at].startsWith("1");
    xaxis.tickvals = layout.xaxis.tickvals.filter((_, at) => decade(at));
    xaxis.ticktext = layout.xaxis.ticktext.filter((text) => text.startsWith("1"));
  }
  // Settings in brackets would be cut at the edge; the answer above the figure has them.
  const annotations = layout.annotations?.map((note) => ({ ...note, text: note.text.replace(/ \([^<]*\)/, "") }));
  if (annotations) layout = { ...layout, annotations };
  if (!layout.legend) return { ...layout, margin, xaxis };
  const room = 20 * names; // there the legend has a line for each name
  return { ...layout, height: layout.height + room, margin: { ...margin, b: margin.b + room }, xaxis: { ...xaxis, nticks: 4 } };
}

function draw(plot, look) {
  if (!figures.has(plot)) figures.set(plot, parsed(plot.dataset.figure));
  const figure = figures.get(plot);
  let layout = structuredClone(figure.layout);
  if (coarse.matches) layout.dragmode = false; // a finger on the plot scrolls the page
  let traces = figure.data.map((trace) => painted(trace, look));
  if (plot.clientWidth < 600) {
    layout = narrowed(layout, figure.data.filter((trace) => trace.showlegend !== false).length);
    // Notes beside bars: only their first part fits.
    traces = traces.map((trace) => (trace.mode === "text" ? { ...trace, text: trace.text.map((text) => text.split(",")[0]) } : trace));
  }
  const ring = plot.closest(".main") ? [ringTrace(plot, look)] : [];
  return Plotly.react(plot, [...traces, ...ring], layout, config);
}

// The ring around the selected point, always the last trace of a main figure.
function ringTrace(plot, look) {
  const [x, y] = plot.selectedPlace ?? [[], []];
  const color = look === "dark" ? "#8ec1ff" : "#0b57a4";
  return {
    x, y, mode: "markers", hoverinfo: "skip", showlegend: false, name: "selected",
    marker: { symbol: "circle-open", size: 26, color, line: { width: 3 } },
  };
}

function drawAll(look) {
  for (const plot of document.querySelectorAll(".plot")) draw(plot, look);
}

// The main figures at once, the smaller ones when the page can be used already.
function drawInTurn() {
  for (const plot of document.querySelectorAll(".main .plot")) draw(plot, theme());
  const waiting = [...document.querySelectorAll(".chart .plot")];
  return new Promise((done) => {
    const next = () => {
      const plot = waiting.shift();
      if (!plot) return done();
      if (!figures.has(plot)) draw(plot, theme());
      return setTimeout(next);
    };
    setTimeout(next);
  });
}
