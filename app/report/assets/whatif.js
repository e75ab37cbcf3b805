/* What the same trades would have earned at other costs. */

class WhatIf {
  /** curve: times, value, fees, slippage, notional (running sums at each time). */
  constructor({ host, curve, trades, complete, costs, start, quote, onChange }) {
    Object.assign(this, { host, curve, trades, complete, costs, start, quote, onChange });
    this.fee = this.slider("fee", "Fee", costs.fee_rate * 100, Math.max(0.5, costs.fee_rate * 300), 0.001, "%");
    this.slippage = this.slider("slippage", "Slippage", costs.slippage_bp, Math.max(50, costs.slippage_bp * 3), 0.1, "bp");
    this.figures = element("dl", { className: "figures" });
    const reset = element("button", { type: "button", text: "As it was run" });
    reset.addEventListener("click", () => {
      this.fee.value = this.fee.origin;
      this.slippage.value = this.slippage.origin;
      this.refresh();
    });
    host.replaceChildren(
      element("div", { className: "sliders" }, [this.fee.parentElement, this.slippage.parentElement, reset]),
      this.figures,
    );
    this.refresh();
  }

  slider(id, title, value, most, step, unit) {
    const input = element("input", { type: "range", id: `what-if-${id}`, min: "0", max: String(most), step: String(step) });
    input.value = String(value);
    // The slider rounds to its steps; where it was not moved, the run's own value counts.
    input.origin = input.value;
    input.exact = () => (input.value === input.origin ? value : Number(input.value));
    const shown = element("output", { for: `what-if-${id}` });
    input.show = () => {
      shown.textContent = `${fixed(input.exact(), unit === "%" ? 3 : 1)} ${unit}`;
    };
    input.addEventListener("input", () => this.refresh());
    element("label", {}, [element("span", { text: title }), input, shown]);
    return input;
  }

  /** What the costs of a trade (or a sum of trades) would be more than they were. */
  extra(fees, slippage, notional, fee, bp) {
    const { fee_rate: feeRate, slippage_bp: slippageBp } = this.costs;
    const newFees = feeRate > 0 ? (fees * fee) / feeRate : notional * fee;
    const newSlippage = slippageBp > 0 ? (slippage * bp) / slippageBp : (notional * bp) / 10000;
    return newFees - fees + newSlippage - slippage;
  }

  compute(fee, bp) {
    const { curve, trades, start } = this;
    const values = new Float64Array(curve.value.length);
    let [peak, depth] = [start, 0];
    for (let i = 0; i < values.length; i += 1) {
      const extra = this.extra(curve.fees[i], curve.slippage[i], curve.notional[i], fee, bp);
      values[i] = curve.value[i] - extra;
      depth = Math.min(depth, (curve.low[i] - extra) / Math.max(peak, values[i]) - 1);
      peak = Math.max(peak, curve.high[i] - extra);
    }
    let [wins, profit, loss, net] = [0, 0, 0, 0];
    for (let i = 0; i < trades.pnl.length; i += 1) {
      const pnl = trades.pnl[i] - this.extra(trades.fees[i], trades.slippage[i], trades.notional[i], fee, bp);
      net += pnl;
      if (pnl > 0) {
        wins += 1;
        profit += pnl;
      } else loss -= pnl;
    }
    const last = values.length - 1;
    const final = last >= 0 ? values[last] : start;
    return { values, depth, final, net, winRate: wins / trades.pnl.length, factor: loss > 0 ? profit / loss : NaN };
  }

  /** The fee (a fraction) at which the run would have ended where it began, at this slippage. */
  breakEven(bp) {
    const none = this.compute(0, bp).final - this.start;
    const at = this.compute(0.01, bp).final - this.start;
    return none > 0 && at < none ? (0.01 * none) / (none - at) : NaN;
  }

  refresh() {
    const [fee, bp] = [this.fee.exact() / 100, this.slippage.exact()];
    this.fee.show();
    this.slippage.show();
    const now = this.compute(fee, bp);
    const run = this.compute(this.costs.fee_rate, this.costs.slippage_bp);
    run.depth = this.curve.drawdown.reduce((deepest, value) => Math.min(deepest, value), 0);
    const changed = Math.abs(now.final - run.final) > 1e-9 * Math.abs(run.final);
    if (!changed) now.depth = run.depth;
    const rows = [
      ["Total return", percent(now.final / this.start - 1, 2, true), percent(run.final / this.start - 1, 2, true), now.final - this.start, "total"],
      [`Final equity (${this.quote})`, money(now.final), money(run.final), 0, "final"],
      ["Max drawdown", percent(now.depth), percent(run.depth), 0, "depth"],
      ["Win rate", this.listed(percent(now.winRate)), this.listed(percent(run.winRate)), 0, "wins"],
      ["Profit factor", this.listed(fixed(now.factor, 2)), this.listed(fixed(run.factor, 2)), now.factor - 1, "factor"],
      ["Break-even fee", percent(this.breakEven(bp), 3), percent(this.breakEven(this.costs.slippage_bp), 3), 0, "break-even"],
    ];
    this.figures.replaceChildren(
      ...rows.map(([name, value, before, tone, key]) =>
        element("div", { "data-figure": key }, [
          element("dt", { text: name }),
          element("dd", { text: value, className: tone > 0 ? "up" : tone < 0 ? "down" : "" }),
          element("dd", { text: changed ? `was ${before}` : "as it was run", className: "note" }),
        ]),
      ),
    );
    this.onChange(changed ? now.values : null);
  }

  /** Figures of single trades need all of them in the page. */
  listed(text) {
    return this.complete ? text : NOTHING;
  }
}
