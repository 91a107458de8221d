// Points: one table, sorted and filtered; row and point select each other; plans as YAML; data to download.
const ROWS_AT_ONCE = 200;
const UNITS = { "": 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12, "%": 0.01 };
const CONDITION = /^([\w.]+)(<=|>=|!=|<|>|=)(.+)$/;
const SHORT = { model: "model_bytes", embeddings: "embedding_bytes", accuracy: "val_accuracy", auc: "val_auc", logloss: "val_logloss" };

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function expanded({ points, constants, columns, ...others }) {
  for (const [name, value] of Object.entries(constants)) columns[name] = Array(points).fill(value);
  return { columns, ...others };
}

function quantity(text) {
  const match = /^([-+]?[\d.]+(?:e[-+]?\d+)?)\s*([a-z%]*)$/i.exec(text);
  return match && match[2].toLowerCase() in UNITS ? match[1] * UNITS[match[2].toLowerCase()] : NaN;
}

function holds(value, relation, wanted) {
  const [a, b] = typeof value === "number" ? [value, quantity(wanted)] : [String(value ?? "").toLowerCase(), wanted.toLowerCase()];
  return { "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b, "=": a === b, "!=": a !== b }[relation];
}

function yamlOf(data, index, name) {
  const plan = data.plans[data.columns.plan[index]];
  if (!plan) return "";
  const value = (item) => JSON.stringify(item).replaceAll(",", ", ");
  const flow = (table) => Object.entries(table).map(([key, item]) => `${key}: ${value(item)}`).join(", ");
  const title = name.replace(/[^\x20-\x7e]+/g, " ");
  return `# ${title}\ntables:\n${plan.map((at) => `  - {${flow(data.tables[at])}}\n`).join("")}`;
}

function csvOf(data) {
  const names = Object.keys(data.columns).filter((name) => name !== "plan");
  const cell = (value) => {
    const text = Array.isArray(value) ? value.join(" ") : String(value ?? "");
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = data.columns.method.map((_, at) => names.map((name) => cell(data.columns[name][at])).join(","));
  return [names.map(cell).join(","), ...rows].join("\n") + "\n";
}

function download(name, type, text) {
  const link = element("a", "", { download: name, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

class Explorer {
  constructor(section) {
    this.section = section;
    this.plot = section.querySelector(".main .plot");
    this.table = section.querySelector("table.points");
    this.body = this.table.tBodies[0];
    this.data = expanded(parsed(`${section.dataset.name}-data`));
    this.heads = [...this.table.tHead.rows[0].cells];
    this.cells = [...this.body.rows].map((row) => [...row.cells].map((cell) => cell.textContent));
    for (const row of parsed(`${section.dataset.name}-rest`)) this.cells.push(row.split("~"));
    this.order = this.cells.map((_, at) => at);
    this.shown = ROWS_AT_ONCE;
    this.sorted = { key: "", down: false };
    this.selected = -1;
    this.places = new Map();
    for (const trace of figures.get(this.plot).data) {
      (trace.customdata ?? []).forEach((at, k) => this.places.set(at, [[trace.x[k]], [trace.y[k]]]));
    }
    this.prepareTools();
    this.prepareTable();
    this.prepareWalk();
    this.render();
  }

  find(selector) {
    return this.section.querySelector(selector);
  }

  prepareTools() {
    this.find(".tools").hidden = false;
    this.find(".filter").addEventListener("input", () => { this.shown = ROWS_AT_ONCE; this.arrange(); });
    this.find(".more").addEventListener("click", () => { this.shown += ROWS_AT_ONCE; this.render(); });
    this.find(".csv").addEventListener("click", () => download("points.csv", "text/csv", csvOf(this.data)));
    this.find(".json").addEventListener("click", () => download("points.json", "application/json", JSON.stringify(this.data)));
  }

  prepareTable() {
    for (const head of this.heads) {
      const button = element("button", head.textContent, { type: "button", class: "sort" });
      button.addEventListener("click", () => this.sortBy(head));
      head.replaceChildren(button);
    }
    this.hasPlans = this.data.plans.length > 0;
    if (this.hasPlans) this.table.tHead.rows[0].append(element("th", "Plan", { scope: "col" }));
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (!row) return;
      this.select(Number(row.dataset.at));
      if (event.target.closest("button")) this.copy();
    });
    this.plot.on("plotly_click", (event) => {
      const at = event.points.find((point) => point.customdata !== undefined)?.customdata;
      if (at !== undefined) this.select(at);
    });
  }

  prepareWalk() {
    this.find(".walk").hidden = false;
    this.slider = this.find(".slider");
    this.slider.textContent = "Click a point, or walk through them with the arrow keys.";
    this.slider.setAttribute("aria-valuetext", "none selected");
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
    this.slider.addEventListener("keydown", (event) => {
      const last = this.cells.length - 1;
      const ends = { Home: 0, End: last };
      if (!(event.key in steps) && !(event.key in ends)) return;
      event.preventDefault();
      const target = event.key in ends ? ends[event.key] : this.selected + steps[event.key];
      this.select(Math.min(last, Math.max(0, target)));
    });
    this.find(".show").addEventListener("click", () => this.body.querySelector("[aria-current]")?.scrollIntoView({ block: "center" }));
    this.find(".copy").addEventListener("click", () => this.copy());
    this.find(".copy").hidden = !this.hasPlans;
    this.enable();
  }

  enable() {
    this.find(".show").disabled = this.find(".copy").disabled = this.selected < 0;
  }

  nameOf(at) {
    const { method, rank, tables, dim } = this.data.columns;
    const settings = this.heads.map((head) => head.dataset.key).slice(2);
    const varying = settings.slice(0, settings.indexOf("rank")).map((key) => `${key} ${this.data.columns[key][at] ?? "–"}`);
    const remarks = [...(["dense", "tt"].includes(method[at]) ? [] : [method[at]]), ...varying];
    const what = method[at] === "dense" ? "uncompressed" : `${tables[at]} ${tables[at] === 1 ? "table" : "tables"} at rank ${rank[at]}`;
    return `${what}, dim ${dim[at]}${remarks.length ? ` (${remarks.join(", ")})` : ""}`;
  }

  select(at) {
    this.selected = at;
    const facts = [0, 1, 2, 3].map((k) => this.heads.findIndex((head) => head.dataset.key === "model_bytes") + k);
    const said = facts.slice(0, 3).map((k) => `${this.heads[k].textContent} ${this.cells[at][k]}`).join("; ");
    const text = `${at + 1} of ${this.cells.length}: ${this.nameOf(at)}. ${said}. ${this.cells[at][0]}`;
    this.slider.textContent = text;
    this.slider.setAttribute("aria-valuenow", at + 1);
    this.slider.setAttribute("aria-valuetext", text);
    this.find(".yaml").hidden = true;
    this.enable();
    const [x, y] = this.plot.selectedPlace = this.places.get(at) ?? [[], []];
    Plotly.restyle(this.plot, { x: [x], y: [y] }, [this.plot.data.length - 1]);
    this.render();
  }

  copy() {
    const box = this.find(".yaml");
    box.value = yamlOf(this.data, this.selected, this.nameOf(this.selected)) || "# this result says nothing about its plan\n";
    box.hidden = false;
    navigator.clipboard?.writeText(box.value).catch(() => box.select()); // not allowed: it is there to copy by hand
  }

  sortBy(head) {
    const key = head.dataset.key;
    this.sorted = { key, down: this.sorted.key === key && !this.sorted.down };
    for (const other of this.heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", this.sorted.down ? "descending" : "ascending");
    this.arrange();
  }

  passes(at, terms) {
    return terms.every((term) => {
      const match = CONDITION.exec(term);
      const name = match && (SHORT[match[1].toLowerCase()] ?? match[1]);
      if (match && name in this.data.columns) return holds(this.data.columns[name][at], match[2], match[3]);
      this.texts ??= this.cells.map((cells) => cells.join(" ").toLowerCase());
      return this.texts[at].includes(term.toLowerCase());
    });
  }

  arrange() {
    const terms = this.find(".filter").value.split(/\s+/).filter(Boolean);
    this.order = this.cells.map((_, at) => at).filter((at) => this.passes(at, terms));
    const { key, down } = this.sorted;
    if (key) {
      const column = this.data.columns[key];
      const value = (at) => (Array.isArray(column[at]) ? column[at].length : column[at]);
      const missing = (at) => value(at) === null || value(at) === undefined;
      const sign = down ? -1 : 1;
      this.order.sort((a, b) => missing(a) - missing(b) || (value(a) < value(b) ? -sign : value(a) > value(b) ? sign : 0) || a - b);
    }
    this.render();
  }

  render() {
    const rows = this.order.slice(0, this.shown);
    if (this.selected >= 0 && !rows.includes(this.selected)) rows.unshift(this.selected);
    this.body.replaceChildren(...rows.map((at) => this.row(at)));
    this.find(".count").textContent = `${this.order.length} of ${this.cells.length} points`;
    this.find(".more").hidden = this.order.length <= this.shown;
  }

  row(at) {
    const row = element("tr", "", { "data-at": at });
    if (this.data.columns.on_frontier[at]) row.classList.add("strong");
    if (at === this.selected) row.setAttribute("aria-current", "true");
    this.cells[at].forEach((text, k) => {
      const cell = element("td", text);
      if (this.heads[k].classList.contains("number")) cell.classList.add("number");
      if (text.length > 60) cell.classList.add("long");
      row.append(cell);
    });
    if (this.hasPlans) {
      const cell = element("td", "");
      cell.append(element("button", "YAML", { type: "button", "aria-label": `Copy the plan of ${this.nameOf(at)} as YAML` }));
      row.append(cell);
    }
    return row;
  }
}
