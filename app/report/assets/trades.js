/* The list of trades: sort by any column, filter, page, download, and show a trade in the chart. */

const PAGE_ROWS = 25;

class TradeList {
  constructor({ host, trades, digits, quote, onShow }) {
    Object.assign(this, { host, trades, digits, quote, onShow });
    this.count = trades.pnl.length;
    this.sortBy = "exit_time";
    this.falling = false;
    this.page = 0;
    this.chosen = -1;
    const largest = trades.pnl.reduce((most, value) => Math.max(most, Math.abs(value) || 0), 0);
    const cash = (value, sign) => fixed(value, largest >= 1 || !largest ? 2 : digitsOf(largest / 100), sign);
    this.columns = [
      ["entry_time", "Entry", (i) => moment(trades.entry_time[i])],
      ["exit_time", "Exit", (i) => moment(trades.exit_time[i])],
      ["symbol", "Symbol", (i) => trades.symbol[i]],
      ["side", "Side", (i) => trades.side[i]],
      ["quantity", "Quantity", (i) => fixed(trades.quantity[i], digitsOf(trades.quantity[i] / 1000)), "number"],
      ["entry_price", "Entry price", (i) => this.price(i, "entry_price"), "number"],
      ["exit_price", "Exit price", (i) => this.price(i, "exit_price"), "number"],
      ["pnl", `Net ${quote}`, (i) => cash(trades.pnl[i], true), "number tone"],
      ["return", "Return", (i) => percent(trades.return[i], 2, true), "number tone"],
      ["costs", "Costs", (i) => cash(trades.costs[i]), "number"],
      ["held", "Held", (i) => duration(trades.held[i]), "number"],
      ["entry_reason", "Entry reason", (i) => trades.entry_reason[i]],
      ["exit_reason", "Exit reason", (i) => trades.exit_reason[i]],
    ];
    if (new Set(trades.symbol).size < 2) this.columns = this.columns.filter(([name]) => name !== "symbol");
    this.filters = this.makeFilters();
    this.build();
    this.refresh();
  }

  price(i, name) {
    return fixed(this.trades[name][i], this.digits.get(this.trades.symbol[i]) ?? 2);
  }

  makeFilters() {
    const choice = (label, values) =>
      element("select", { "aria-label": label, "data-filter": label }, [
        element("option", { value: "", text: label }),
        ...values.map((value) => element("option", { value, text: value })),
      ]);
    const distinct = (name) => [...new Set(this.trades[name])].sort();
    const filters = {
      text: element("input", { type: "search", placeholder: "Filter: text, date, reason", "aria-label": "Filter trades" }),
      symbol: choice("All symbols", distinct("symbol")),
      side: choice("Both sides", distinct("side")),
      result: choice("All results", ["wins", "losses"]),
      exit_reason: choice("All exits", distinct("exit_reason")),
    };
    filters.symbol.hidden = distinct("symbol").length < 2;
    return filters;
  }

  build() {
    const header = this.columns.map(([name, title, , kind]) => {
      const button = element("button", { type: "button", text: title });
      button.addEventListener("click", () => this.sort(name));
      return element("th", { scope: "col", className: kind?.startsWith("number") ? "number" : "", "data-column": name }, [button]);
    });
    this.headers = header;
    this.body = element("tbody");
    this.note = element("p", { className: "note", role: "status" });
    this.back = element("button", { type: "button", text: "Back" });
    this.next = element("button", { type: "button", text: "Next" });
    this.where = element("span", { className: "note" });
    const save = element("button", { type: "button", text: "Save as CSV" });
    this.back.addEventListener("click", () => this.turn(-1));
    this.next.addEventListener("click", () => this.turn(1));
    save.addEventListener("click", () => this.save());
    for (const filter of Object.values(this.filters)) {
      filter.addEventListener("input", () => {
        this.page = 0;
        this.refresh();
      });
    }
    this.host.replaceChildren(
      element("div", { className: "controls" }, [...Object.values(this.filters), save]),
      this.note,
      element("div", { className: "scroll" }, [
        element("table", { className: "trades" }, [element("thead", {}, [element("tr", {}, header)]), this.body]),
      ]),
      element("div", { className: "controls" }, [this.back, this.where, this.next]),
    );
  }

  sort(name) {
    this.falling = this.sortBy === name ? !this.falling : ["pnl", "return"].includes(name);
    this.sortBy = name;
    this.page = 0;
    this.refresh();
  }

  turn(by) {
    this.page += by;
    this.refresh();
  }

  matches(i) {
    const { trades, filters } = this;
    for (const name of ["symbol", "side", "exit_reason"]) {
      if (filters[name].value && trades[name][i] !== filters[name].value) return false;
    }
    if (filters.result.value && trades.pnl[i] > 0 !== (filters.result.value === "wins")) return false;
    const wanted = filters.text.value.trim().toLowerCase();
    return !wanted || this.columns.map(([, , write]) => write(i)).join(" ").toLowerCase().includes(wanted);
  }

  refresh() {
    const values = this.trades[this.sortBy];
    const rows = [];
    for (let i = 0; i < this.count; i += 1) if (this.matches(i)) rows.push(i);
    const direction = this.falling ? -1 : 1;
    const rank = typeof values[0] === "string" ? (a, b) => values[a].localeCompare(values[b]) : (a, b) => values[a] - values[b];
    rows.sort((a, b) => direction * rank(a, b) || a - b);
    this.rows = rows;
    const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
    this.page = Math.min(Math.max(0, this.page), pages - 1);
    const net = rows.reduce((sum, i) => sum + this.trades.pnl[i], 0);
    this.note.textContent = `${rows.length.toLocaleString("en-US")} of ${this.count.toLocaleString("en-US")} trades, net ${money(net, true)} ${this.quote}`;
    this.where.textContent = `${this.page + 1} / ${pages}`;
    this.back.disabled = this.page === 0;
    this.next.disabled = this.page === pages - 1;
    for (const header of this.headers) {
      const sorted = header.dataset.column === this.sortBy;
      header.setAttribute("aria-sort", sorted ? (this.falling ? "descending" : "ascending") : "none");
    }
    this.body.replaceChildren(...rows.slice(this.page * PAGE_ROWS, (this.page + 1) * PAGE_ROWS).map((i) => this.row(i)));
  }

  row(i) {
    const tone = this.trades.pnl[i] > 0 ? "up" : this.trades.pnl[i] < 0 ? "down" : "";
    const cells = this.columns.map(([, , write, kind]) =>
      element("td", { text: write(i), className: [kind?.includes("number") && "number", kind?.includes("tone") && tone].filter(Boolean).join(" ") }),
    );
    const row = element("tr", { tabindex: "0", title: "Show in the chart", className: i === this.chosen ? "chosen" : "" }, cells);
    row.addEventListener("click", () => this.onShow(i));
    row.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.onShow(i);
    });
    return row;
  }

  /** Turn to the page of a trade and mark it. */
  choose(i) {
    this.chosen = i;
    const place = this.rows.indexOf(i);
    if (place >= 0) this.page = Math.floor(place / PAGE_ROWS);
    this.refresh();
  }

  save() {
    const names = this.columns.map(([name]) => name);
    const cell = (name, i) => {
      const value = this.trades[name][i];
      if (name.endsWith("_time")) return new Date(value).toISOString();
      // A text that begins like a formula would be run by a spreadsheet.
      return typeof value === "string" ? `"${value.replace(/^([=+\-@])/, "'$1").replaceAll('"', '""')}"` : String(value);
    };
    const lines = [names.join(","), ...this.rows.map((i) => names.map((name) => cell(name, i)).join(","))];
    const link = element("a", { download: "trades.csv", href: URL.createObjectURL(new Blob([lines.join("\n")], { type: "text/csv" })) });
    link.click();
    URL.revokeObjectURL(link.href);
  }
}
