/* Puts the page's parts together. */

const payload = JSON.parse(document.getElementById("payload").textContent);

function readTrades(columns) {
  const trades = {};
  for (const [name, column] of Object.entries(columns)) {
    trades[name] = column.words ? column.index.map((place) => column.words[place]) : unpack(column);
  }
  trades.costs = trades.fees.map((value, i) => value + trades.slippage[i]);
  trades.held = trades.exit_time.map((value, i) => value - trades.entry_time[i]);
  return trades;
}

/** Stops and targets as they stood: those of trade i are the rows from `begin[i]` to before `begin[i + 1]`. */
function readStood(columns, count) {
  const [trade, time, stop, target] = ["trade", "time", "stop", "target"].map((name) => unpack(columns[name]));
  const owners = trade.map(Math.round);
  const begin = Array.from({ length: count + 1 }, (_, i) => lowerBound(owners, i));
  return { time, stop, target, begin };
}

function readLevel(level) {
  const columns = Object.fromEntries(["open", "high", "low", "close"].map((name) => [name, unpack(level[name])]));
  return { bucket: level.bucket_ms, times: unpack(level.times), lines: level.lines.map(unpack), ...columns };
}

function readSymbol(symbol) {
  const levels = symbol.levels.map(readLevel);
  const detail = symbol.detail ? readLevel(symbol.detail) : null;
  if (detail) detail.covered = new Set(unpack(symbol.detail.covered));
  return { ...symbol, levels, detail };
}

const trades = readTrades(payload.trades);
const stood = readStood(payload.levels, trades.pnl.length);
const digits = new Map(payload.symbols.map((symbol) => [symbol.name, symbol.digits]));
const curve = Object.fromEntries(Object.entries(payload.curve).map(([name, column]) => [name, column && unpack(column)]));
const compact = (value, step) => (Math.abs(value) >= 1e6 ? `${fixed(value / 1e6, 2)}M` : fixed(value, digitsOf(step)));
const charts = [];

function describe(i) {
  const price = (value) => fixed(value, digits.get(trades.symbol[i]) ?? 2);
  const tone = trades.pnl[i] > 0 ? "up" : "down";
  return [
    [trades.side[i], `${money(trades.pnl[i], true)} ${payload.quote} (${percent(trades.return[i], 2, true)})`, tone],
    ["entry", `${price(trades.entry_price[i])}  ${moment(trades.entry_time[i])}`],
    ["", trades.entry_reason[i]],
    ["exit", `${price(trades.exit_price[i])}  ${moment(trades.exit_time[i])}`],
    ["", trades.exit_reason[i]],
    ...["stop", "target"].flatMap((name) => {
      const values = [...stood[name].slice(stood.begin[i], stood.begin[i + 1])].filter(Number.isFinite);
      const [first, last] = [values[0], values[values.length - 1]].map(price);
      return values.length ? [[name, first === last ? first : `${first} → ${last}`]] : [];
    }),
    ["costs", money(trades.costs[i])],
    ["held", duration(trades.held[i])],
  ].filter(([, value]) => value !== "");
}

/* Equity and drawdown. */
function drawdownOf(values, lows) {
  let peak = payload.start_cash;
  return values.map((value, i) => {
    peak = Math.max(peak, value);
    return Math.min(0, lows[i] / peak - 1);
  });
}

function equityPanes(whatIf) {
  const line = (values, color, name, more = {}) =>
    new LineSeries({ times: curve.times, values, color, name, format: (value) => money(value), ...more });
  const extra = whatIf ? [line(whatIf, "whatif", "what-if", { dash: [5, 3] })] : [];
  const hold = curve.hold ? [line(curve.hold, "hold", "buy and hold")] : [];
  const fall = (values, color, name, more) =>
    new LineSeries({ times: curve.times, values, color, name, format: (value) => percent(value), ...more });
  const lows = whatIf ? whatIf.map((value, i) => value - (curve.value[i] - curve.low[i])) : null;
  return [
    { weight: 3, label: "Equity", canLog: true, format: compact, series: [...hold, line(curve.value, "accent", "run", { width: 2 }), ...extra] },
    {
      weight: 1.2,
      label: "Drawdown",
      format: (value) => percent(value, 1),
      ceiling: 0,
      series: [
        fall(curve.drawdown, "down", "run", { base: 0, width: 1 }),
        ...(whatIf ? [fall(drawdownOf(whatIf, lows), "whatif", "what-if", { dash: [5, 3] })] : []),
      ],
    },
  ];
}

function startEquity() {
  const host = document.getElementById("equity-chart");
  if (!host || curve.times.length < 2) return null;
  const range = { from: curve.times[0], to: curve.times[curve.times.length - 1] };
  const chart = new TimeChart(host, { panes: equityPanes(null), range, least: payload.timeframe_ms * 5 });
  charts.push(chart);
  addButtons(host, chart);
  return chart;
}

/* Prices, indicators and trades. */
const LINE_COLORS = ["one", "two", "three", "four"];

/** Indicators, at the resolution that the candles are drawn in. */
class IndicatorSeries extends LineSeries {
  constructor({ candles, levels, place, ...rest }) {
    super({ times: levels[0].times, values: levels[0].lines[place], ...rest });
    Object.assign(this, { candles, levels, place });
  }

  use(view, width) {
    const level = this.candles.level(view, width);
    // A bucket's line value is that of its last candle.
    this.times = level.ends ??= level.times.map((open) => open + level.bucket);
    this.values = level.lines[this.place];
  }

  extent(view) {
    this.use(view, 800);
    return super.extent(view);
  }

  draw(brush) {
    this.use(brush.view, brush.width);
    super.draw(brush);
  }
}

function pricePanes(symbol) {
  const candles = new CandleSeries(symbol);
  const order = [];
  for (let i = 0; i < trades.pnl.length; i += 1) if (trades.symbol[i] === symbol.name) order.push(i);
  order.sort((a, b) => trades.entry_time[a] - trades.entry_time[b]);
  const marks = new TradeSeries({ trades, stood, order, describe });
  const line = (place) =>
    new IndicatorSeries({
      candles,
      levels: symbol.levels,
      place,
      color: LINE_COLORS[place % LINE_COLORS.length],
      name: symbol.lines[place].name,
      format: (value) => fixed(value, symbol.lines[place].digits),
      width: 1.2,
    });
  const places = symbol.lines.map((_, place) => place);
  const own = places.filter((place) => !symbol.lines[place].over_price);
  const panes = [
    {
      weight: 4,
      label: symbol.name,
      canLog: true,
      format: (value, step) => fixed(value, Math.min(symbol.digits, digitsOf(step))),
      series: [candles, ...places.filter((place) => symbol.lines[place].over_price).map(line), marks],
    },
    ...own.map((place) => ({ weight: 1, label: "", format: compact, series: [line(place)] })),
  ];
  const { times, bucket } = symbol.levels[0];
  return { panes, marks, range: { from: times[0], to: times[times.length - 1] + bucket } };
}

function startPrice() {
  const host = document.getElementById("price-chart");
  if (!host || !payload.symbols.length) return { show() {} };
  const read = new Map();
  let [chart, marks, shown] = [null, null, ""];
  const select = document.getElementById("symbol");
  const open = (name) => {
    if (name === shown) return;
    shown = name;
    if (!read.has(name)) read.set(name, readSymbol(payload.symbols.find((symbol) => symbol.name === name)));
    const made = pricePanes(read.get(name));
    marks = made.marks;
    if (select) select.value = name;
    host.style.setProperty("--panes", String(made.panes.length));
    if (chart) chart.setPanes(made.panes, made.range);
    else chart = new TimeChart(host, { ...made, least: payload.timeframe_ms * 12, onPick: (i) => showTrade(i, false) });
  };
  open(payload.symbols[0].name);
  charts.push(chart);
  addButtons(host, chart);
  select?.addEventListener("change", () => open(select.value));
  return {
    show(i, move) {
      if (!digits.has(trades.symbol[i])) return;
      open(trades.symbol[i]);
      marks.chosen = i;
      const margin = Math.max(trades.held[i] * 0.6, payload.timeframe_ms * 30);
      if (move) chart.show(trades.entry_time[i] - margin, trades.exit_time[i] + margin);
      chart.redraw();
    },
  };
}

function addButtons(host, chart) {
  const bar = element("div", { className: "controls buttons" });
  const add = (text, title, work) => {
    const button = element("button", { type: "button", text, title });
    button.addEventListener("click", work);
    bar.append(button);
  };
  const whole = chart.limits.to - chart.limits.from;
  for (const [text, days] of [["1D", 1], ["1W", 7], ["1M", 30], ["3M", 91], ["1Y", 365]]) {
    if (days * DAY < whole && days * DAY > payload.timeframe_ms * 20) {
      add(text, `Show ${text} around the middle`, () => {
        const middle = (chart.view.from + chart.view.to) / 2;
        chart.show(middle - (days * DAY) / 2, middle + (days * DAY) / 2);
      });
    }
  }
  const log = element("button", { type: "button", text: "Log", title: "Equal distances for equal ratios", "aria-pressed": "false" });
  log.addEventListener("click", () => {
    chart.log = !chart.log;
    log.setAttribute("aria-pressed", String(chart.log));
    chart.redraw();
  });
  add("All", "Show everything", () => chart.show(chart.limits.from, chart.limits.to));
  add("−", "Show more time", () => chart.zoom(1.6));
  add("+", "Show less time", () => chart.zoom(1 / 1.6));
  bar.append(log);
  host.before(bar);
}

const equityChart = startEquity();
const priceChart = startPrice();
let list = null;

function showTrade(i, move) {
  priceChart.show(i, move);
  list?.choose(i);
  if (move) document.getElementById("price").scrollIntoView({ block: "start" });
}

const listHost = document.getElementById("trade-list");
if (listHost && trades.pnl.length) {
  list = new TradeList({ host: listHost, trades, digits, quote: payload.quote, onShow: (i) => showTrade(i, true) });
}
const whatIfHost = document.getElementById("what-if-panel");
if (whatIfHost && trades.pnl.length) {
  new WhatIf({
    host: whatIfHost,
    curve,
    trades,
    complete: payload.complete,
    costs: payload.costs,
    start: payload.start_cash,
    quote: payload.quote,
    onChange: (values) => equityChart?.setPanes(equityPanes(values), equityChart.limits),
  });
}

/* Within a notebook's frame a link to a section would open the notebook itself. */
for (const link of document.querySelectorAll("nav a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    document.querySelector(link.getAttribute("href")).scrollIntoView({ block: "start" });
  });
}

/* Light, dark, or as the system has it. */
const root = document.documentElement;
const repaint = () => {
  cachedPalette = null;
  for (const chart of charts) chart.redraw();
};
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  repaint();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
root.dataset.ready = "yes";
