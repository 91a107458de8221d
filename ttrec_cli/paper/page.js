// The room below a figure is what its legend takes, however often that folds.
const BELOW_AXIS = 62;
async function fitted(plot, look) {
  await draw(plot, look);
  const legend = plot.querySelector(".infolayer .legend .bg");
  if (!legend) return;
  const room = Math.ceil(legend.getBBox().height);
  await Plotly.relayout(plot, { "margin.b": BELOW_AXIS + room, height: 290 + room });
}
const paint = (look) => Promise.all([...document.querySelectorAll(".plot")].map((plot) => fitted(plot, look)));
const drawn = paint(theme());
dark.addEventListener("change", () => paint(theme()));
addEventListener("beforeprint", () => drawAll("light"));
addEventListener("afterprint", () => paint(theme()));
addEventListener("resize", () => paint(theme()));
