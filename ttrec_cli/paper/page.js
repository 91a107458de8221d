// Room for the legend, however often it folds, and for the labels of the axes: where margins depend on one another,
// Plotly gives up, and labels run into the title beside them.
const PLOT = 228, BELOW_LABELS = 46, BESIDE_LABELS = 36, PASSES = 4;
const most = (plot, part, size) => Math.max(0, ...[...plot.querySelectorAll(part)].map(size));
function wanted(plot) {
  const legend = plot.querySelector(".infolayer .legend .bg");
  const below = most(plot, ".xtick text", (label) => label.getBoundingClientRect().height);
  const bottom = Math.ceil(BELOW_LABELS + below + legend.getBBox().height);
  const left = Math.ceil(BESIDE_LABELS + most(plot, ".ytick text", (label) => label.getBBox().width));
  return { "margin.b": bottom, height: PLOT + bottom, "margin.l": Math.max(plot.layout.margin.l, left) };
}
async function fitted(plot, look) {
  await draw(plot, look);
  if (!plot.querySelector(".infolayer .legend .bg")) return;
  for (let pass = 0; pass < PASSES; pass += 1) {
    const room = wanted(plot);
    const { margin, height } = plot.layout;
    if (room["margin.b"] === margin.b && room["margin.l"] === margin.l && room.height === height) return;
    await Plotly.relayout(plot, room);
  }
}
const paint = (look) => Promise.all([...document.querySelectorAll(".plot")].map((plot) => fitted(plot, look)));
const drawn = paint(theme());
dark.addEventListener("change", () => paint(theme()));
addEventListener("beforeprint", () => drawAll("light"));
addEventListener("afterprint", () => paint(theme()));
addEventListener("resize", () => paint(theme()));
// Where a table is cut by the edge, its caption says that there is more.
const sized = new ResizeObserver((entries) => {
  for (const { target } of entries) target.classList.toggle("wide", target.scrollWidth > target.clientWidth + 1);
});
for (const table of document.querySelectorAll(".scroll")) sized.observe(table);
