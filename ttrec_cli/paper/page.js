"use strict";
for (const plot of document.querySelectorAll(".plot")) draw(plot, theme());
dark.addEventListener("change", () => drawAll(theme()));
addEventListener("beforeprint", () => drawAll("light"));
addEventListener("afterprint", () => drawAll(theme()));
