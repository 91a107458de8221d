const drawn = drawInTurn();
const explorers = [...document.querySelectorAll(".section[data-name]")].map((section) => new Explorer(section));
dark.addEventListener("change", () => drawAll(theme()));
addEventListener("beforeprint", () => drawAll("light"));
addEventListener("afterprint", () => drawAll(theme()));
