/* What is drawn in a pane: candles, lines, areas, trades. */

/** Positions of rising `times` inside the view, with one neighbour on each side. */
function visible(times, { from, to }) {
  return [Math.max(0, lowerBound(times, from) - 1), Math.min(times.length, lowerBound(times, to) + 1)];
}

/** A line; `area` fills between it and `base`. values may hold NaN, which interrupt it. */
class LineSeries {
  constructor({ times, values, color, name, format, dash = [], base, width = 1.5, quiet = false }) {
    Object.assign(this, { times, values, color, name, format, dash, base, width, quiet });
  }

  extent(view) {
    let [low, high] = [Infinity, -Infinity];
    const [first, last] = visible(this.times, view);
    for (let i = first; i < last; i += 1) {
      if (this.values[i] < low) low = this.values[i];
      if (this.values[i] > high) high = this.values[i];
    }
    return [low, high];
  }

  draw({ context, colors, x, y, view }) {
    const [first, last] = visible(this.times, view);
    const color = colors[this.color] ?? this.color;
    context.strokeStyle = color;
    context.lineWidth = this.width;
    context.lineJoin = "round";
    context.setLineDash(this.dash);
    context.beginPath();
    let pen = false;
    for (let i = first; i < last; i += 1) {
      const value = this.values[i];
      if (Number.isNaN(value)) pen = false;
      else if (pen) context.lineTo(x(this.times[i]), y(value));
      else context.moveTo(x(this.times[i]), y(value));
      pen = !Number.isNaN(value);
    }
    context.stroke();
    context.setLineDash([]);
    if (this.base === undefined || last <= first) return;
    context.lineTo(x(this.times[last - 1]), y(this.base));
    context.lineTo(x(this.times[first]), y(this.base));
    context.globalAlpha = 0.14;
    context.fillStyle = color;
    context.fill();
    context.globalAlpha = 1;
  }

  read(at) {
    const i = Math.min(this.times.length, lowerBound(this.times, at + 1)) - 1;
    return i < 0 || this.quiet ? [] : [[`${this.name} ${this.format(this.values[i])}`, this.color]];
  }
}

/** Candles from several resolutions: the finest that fits the view, single candles where the page has them. */
class CandleSeries {
  constructor({ levels, detail, digits }) {
    Object.assign(this, { levels, detail, digits });
  }

  /** The coarsest level that still has a bucket for about each three pixels. */
  level({ from, to }, width) {
    const wanted = ((to - from) / width) * 3;
    return [...this.levels].reverse().find((level) => level.bucket <= wanted) ?? this.levels[0];
  }

  extent(view) {
    const level = this.level(view, 800);
    let [low, high] = [Infinity, -Infinity];
    const [first, last] = visible(level.times, view);
    for (let i = first; i < last; i += 1) {
      if (level.low[i] < low) low = level.low[i];
      if (level.high[i] > high) high = level.high[i];
    }
    return [low, high];
  }

  draw(brush) {
    const { view, width } = brush;
    const level = this.level(view, width);
    this.current = level;
    const fine = this.detail && level === this.levels[0] && ((view.to - view.from) / width) * 1.2 < this.detail.bucket;
    this.paint(brush, level, fine ? this.detail.covered : null);
    if (fine) this.paint(brush, this.detail, null);
  }

  paint({ context, colors, x, y, view, width }, level, hidden) {
    const [first, last] = visible(level.times, view);
    const slot = (level.bucket / (view.to - view.from)) * width;
    const body = Math.max(1, Math.min(22, Math.floor(slot * 0.7)));
    // Where buckets are narrower than three pixels, neighbours are drawn as one.
    const merge = Math.max(1, Math.round(3 / slot));
    const shapes = [[colors.up, []], [colors.down, []]];
    for (let i = first; i < last; i += merge) {
      const end = Math.min(last, i + merge);
      if (hidden && hidden.has(level.times[i])) continue;
      let [low, high] = [level.low[i], level.high[i]];
      for (let j = i + 1; j < end; j += 1) {
        low = Math.min(low, level.low[j]);
        high = Math.max(high, level.high[j]);
      }
      const [open, close] = [level.open[i], level.close[end - 1]];
      const middle = Math.round(x((level.times[i] + level.times[end - 1] + level.bucket) / 2));
      shapes[close >= open ? 0 : 1][1].push([middle, y(high), y(low), y(Math.max(open, close)), y(Math.min(open, close))]);
    }
    const wide = merge > 1 ? 2 : body;
    for (const [color, candles] of shapes) {
      context.fillStyle = color;
      context.beginPath();
      for (const [middle, high, low, top, bottom] of candles) {
        context.rect(middle, high, 1, Math.max(1, low - high));
        context.rect(middle - Math.floor(wide / 2), top, wide, Math.max(1, bottom - top));
      }
      context.fill();
    }
  }

  read(at) {
    const inDetail = this.detail ? lowerBound(this.detail.times, at + 1) - 1 : -1;
    const fine = inDetail >= 0 && at - this.detail.times[inDetail] < this.detail.bucket;
    const level = fine ? this.detail : (this.current ?? this.levels[0]);
    const i = fine ? inDetail : lowerBound(level.times, at + 1) - 1;
    if (i < 0) return [];
    const tone = level.close[i] >= level.open[i] ? "up" : "down";
    const price = (value) => fixed(value, this.digits);
    return [
      [`${duration(level.bucket)}`, "muted"],
      [`O ${price(level.open[i])}  H ${price(level.high[i])}  L ${price(level.low[i])}  C ${price(level.close[i])}`, tone],
    ];
  }
}

/** Entries, exits, stops and targets of trades over candles. */
class TradeSeries {
  constructor({ trades, stood, order, describe }) {
    Object.assign(this, { trades, stood, order, describe, places: [], chosen: -1 });
    this.longest = order.reduce((most, i) => Math.max(most, trades.exit_time[i] - trades.entry_time[i]), 0);
    this.entries = Float64Array.from(order, (i) => trades.entry_time[i]);
  }

  extent() {
    return [Infinity, -Infinity];
  }

  draw(brush) {
    const { view, width } = brush;
    this.places = [];
    const first = lowerBound(this.entries, view.from - this.longest);
    const last = lowerBound(this.entries, view.to + 1);
    const shown = this.order.slice(first, last).filter((i) => this.trades.exit_time[i] >= view.from);
    const crowded = shown.length > width / 5;
    const roomy = shown.length <= width / 24;
    for (const i of shown) this.drawPath(brush, i, crowded, roomy);
    // Entries last: where a position is turned around, both lie on the exit.
    for (const i of shown) this.drawEntry(brush, i, crowded);
  }

  size(i, crowded) {
    if (i === this.chosen) return 7;
    return crowded ? 2.5 : 5;
  }

  /** The way from entry to exit with stop and target, and the exit. */
  drawPath({ context, colors, x, y }, i, crowded, roomy) {
    const { trades } = this;
    const color = trades.pnl[i] >= 0 ? colors.up : colors.down;
    const [left, right] = [x(trades.entry_time[i]), x(trades.exit_time[i])];
    const [enter, leave] = [y(trades.entry_price[i]), y(trades.exit_price[i])];
    const chosen = i === this.chosen;
    context.lineWidth = chosen ? 2 : 1;
    if (!crowded || chosen) {
      context.strokeStyle = color;
      context.setLineDash([4, 3]);
      context.beginPath();
      context.moveTo(left, enter);
      context.lineTo(right, leave);
      context.stroke();
      context.setLineDash([]);
    }
    if (roomy || chosen) {
      this.drawLevels(context, colors.down, i, x, (place) => y(this.stood.stop[place]));
      this.drawLevels(context, colors.up, i, x, (place) => y(this.stood.target[place]));
    }
    context.fillStyle = color;
    context.strokeStyle = colors.card;
    context.beginPath();
    context.arc(right, leave, this.size(i, crowded) * 0.9, 0, 2 * Math.PI);
    context.fill();
    if (!crowded) context.stroke();
    this.places.push([right, leave, i]);
  }

  drawEntry({ context, colors, x, y }, i, crowded) {
    const [left, enter] = [x(this.trades.entry_time[i]), y(this.trades.entry_price[i])];
    const size = this.size(i, crowded);
    const up = this.trades.side[i] === "long";
    context.fillStyle = up ? colors.accent : colors.two;
    context.strokeStyle = colors.card;
    context.beginPath();
    context.moveTo(left, enter + (up ? -size : size));
    context.lineTo(left + size, enter + (up ? size : -size));
    context.lineTo(left - size, enter + (up ? size : -size));
    context.closePath();
    context.fill();
    if (!crowded) context.stroke();
    this.places.push([left, enter, i]);
  }

  /** A stop or a target as steps: each change holds until the next one. */
  drawLevels(context, color, i, x, levelAt) {
    const { time, begin } = this.stood;
    context.strokeStyle = color;
    context.globalAlpha = 0.75;
    context.setLineDash([2, 3]);
    context.beginPath();
    let rests = false;
    for (let place = begin[i]; place < begin[i + 1]; place += 1) {
      if (place > begin[i] && time[place] >= this.trades.exit_time[i]) break;
      const [level, left] = [levelAt(place), x(time[place])];
      const right = x(place + 1 < begin[i + 1] ? time[place + 1] : this.trades.exit_time[i]);
      if (Number.isFinite(level)) {
        if (rests) context.lineTo(left, level);
        else context.moveTo(left, level);
        context.lineTo(Math.max(right, left + (begin[i + 1] - begin[i] === 1 ? 4 : 0)), level);
      }
      rests = Number.isFinite(level);
    }
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  hit(x, y) {
    let [best, nearest] = [144, -1];
    for (const [left, top, i] of this.places) {
      // The chosen trade comes first where another one ends or begins at the same place.
      const apart = ((left - x) ** 2 + (top - y) ** 2) * (i === this.chosen ? 0.25 : 1);
      if (apart < best) [best, nearest] = [apart, i];
    }
    return nearest < 0 ? null : { trade: nearest, lines: this.describe(nearest) };
  }
}
