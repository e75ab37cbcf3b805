/* Panes over one time axis, drawn on a canvas: drag to move, buttons, keys, pinch or Ctrl + wheel to zoom. */

const AXIS_WIDTH = 64;
const AXIS_HEIGHT = 24;
const PANE_GAP = 8;
const LEGEND_HEIGHT = 20;

class TimeChart {
  /**
   * panes: [{weight, series, format(value, step), label}]; series have extent(view), draw(brush), read(at) and
   * optionally hit(x, y). range: {from, to} in ms.
   */
  constructor(host, { panes, range, least, onPick }) {
    this.host = host;
    this.panes = panes;
    this.limits = range;
    this.least = least;
    this.view = { ...range };
    this.onPick = onPick;
    this.pointers = new Map();
    this.cursor = null;
    this.log = false;
    this.canvas = element("canvas", { role: "img", tabindex: "0", "aria-label": host.dataset.label ?? "chart" });
    this.tip = element("div", { className: "tip", hidden: "" });
    host.replaceChildren(this.canvas, this.tip);
    this.listen();
    new ResizeObserver(() => this.redraw()).observe(host);
  }

  setPanes(panes, range) {
    this.panes = panes;
    this.limits = range;
    this.show(this.view.from, this.view.to);
  }

  /** Show a range of time, kept inside the data and no narrower than a few candles. */
  show(from, to) {
    const whole = this.limits.to - this.limits.from;
    const span = Math.min(whole, Math.max(this.least, to - from));
    const middle = (from + to) / 2;
    const start = Math.min(Math.max(middle - span / 2, this.limits.from), this.limits.to - span);
    this.view = { from: start, to: start + span };
    this.redraw();
  }

  zoom(factor, at = (this.view.from + this.view.to) / 2) {
    const { from, to } = this.view;
    const span = Math.min(this.limits.to - this.limits.from, Math.max(this.least, (to - from) * factor));
    const share = (at - from) / (to - from);
    this.show(at - share * span, at + (1 - share) * span);
  }

  redraw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.draw();
    });
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event);
      this.moved = 0;
    });
    canvas.addEventListener("pointermove", (event) => this.move(event));
    const release = (event) => {
      const known = this.pointers.delete(event.pointerId);
      if (known && event.type === "pointerup" && this.moved < 6) this.pick(event);
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("dblclick", () => this.show(this.limits.from, this.limits.to));
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
        event.preventDefault();
        this.zoom(1.0015 ** event.deltaY, this.timeAt(event.offsetX));
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const span = this.view.to - this.view.from;
    const shift = { ArrowLeft: -span / 5, ArrowRight: span / 5 }[event.key];
    if (shift) this.show(this.view.from + shift, this.view.to + shift);
    else if (event.key === "+" || event.key === "=") this.zoom(0.7);
    else if (event.key === "-") this.zoom(1 / 0.7);
    else if (event.key === "0" || event.key === "Home") this.show(this.limits.from, this.limits.to);
    else return;
    event.preventDefault();
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.hover(event);
      return;
    }
    const others = [...this.pointers.values()].filter((other) => other.pointerId !== event.pointerId);
    if (others.length) {
      const apart = (one) => Math.max(20, Math.abs(one.offsetX - others[0].offsetX));
      this.zoom(apart(before) / apart(event), this.timeAt((event.offsetX + others[0].offsetX) / 2));
    } else {
      const shift = ((before.offsetX - event.offsetX) * (this.view.to - this.view.from)) / this.plotWidth();
      this.show(this.view.from + shift, this.view.to + shift);
    }
    this.moved += Math.abs(event.offsetX - before.offsetX) + Math.abs(event.offsetY - before.offsetY);
    this.pointers.set(event.pointerId, event);
    if (event.pointerType === "mouse") this.hover(event);
  }

  hover(event) {
    this.cursor = event ? { x: event.offsetX, y: event.offsetY } : null;
    this.redraw();
  }

  pick(event) {
    this.cursor = { x: event.offsetX, y: event.offsetY };
    const found = this.hit(event.offsetX, event.offsetY);
    if (found && this.onPick) this.onPick(found.trade);
    this.redraw();
  }

  hit(x, y) {
    for (const pane of this.panes) for (const series of pane.series) {
      const found = series.hit?.(x, y);
      if (found) return found;
    }
    return null;
  }

  plotWidth() {
    return Math.max(50, this.host.clientWidth - AXIS_WIDTH);
  }

  timeAt(x) {
    return this.view.from + (x / this.plotWidth()) * (this.view.to - this.view.from);
  }

  draw() {
    const width = this.host.clientWidth;
    const height = this.host.clientHeight;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    const { canvas } = this;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const colors = palette();
    const plot = this.plotWidth();
    const { from, to } = this.view;
    const x = (ms) => ((ms - from) / (to - from)) * plot;
    const ticks = timeTicks(from, to, plot / 64);
    const total = this.panes.reduce((sum, pane) => sum + pane.weight, 0);
    const usable = height - AXIS_HEIGHT - PANE_GAP * (this.panes.length - 1);
    let top = 0;
    for (const pane of this.panes) {
      const size = (usable * pane.weight) / total;
      const inside = { top: top + LEGEND_HEIGHT, height: size - LEGEND_HEIGHT };
      this.drawPane({ context, colors, x, view: this.view, width: plot, pane, ticks, ...inside });
      top += size + PANE_GAP;
    }
    this.drawTimeAxis(context, colors, x, ticks, height);
    this.drawCursor(context, colors, x, height);
  }

  drawPane(brush) {
    const { context, colors, pane, top, width, height, view, ticks, x } = brush;
    let [low, high] = [Infinity, -Infinity];
    for (const series of pane.series) {
      const extent = series.extent(view);
      if (extent[0] < low) [low] = extent;
      if (extent[1] > high) [, high] = extent;
    }
    if (!(low <= high)) [low, high] = [0, 1];
    const scale = frameScale(pane, low, high, this.log);
    const y = (value) => top + height - scale.share(value) * height;
    pane.frame = { top, height, scale };
    const grid = scale.grid(height / 36);
    context.font = "11px system-ui, sans-serif";
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.strokeStyle = colors.grid;
    context.beginPath();
    for (const tick of ticks) {
      context.moveTo(Math.round(x(tick.at)) + 0.5, top);
      context.lineTo(Math.round(x(tick.at)) + 0.5, top + height);
    }
    for (const value of grid.ticks) {
      context.moveTo(0, Math.round(y(value)) + 0.5);
      context.lineTo(width, Math.round(y(value)) + 0.5);
    }
    context.stroke();
    context.fillStyle = colors.muted;
    for (const value of grid.ticks) {
      if (y(value) > top - 4 && y(value) < top + height - 4) context.fillText(pane.format(value, grid.step), width + 8, y(value));
    }
    context.save();
    context.beginPath();
    context.rect(0, top, width, height);
    context.clip();
    for (const series of pane.series) series.draw({ ...brush, y });
    context.restore();
    this.drawLegend(brush);
  }

  /** The pane's name and the values under the cursor, or the last ones. */
  drawLegend({ context, colors, pane, top, width }) {
    const at = this.cursor ? this.timeAt(Math.min(this.cursor.x, width)) : this.view.to;
    let left = 2;
    context.textBaseline = "top";
    const write = (text, color) => {
      const size = context.measureText(text).width;
      if (left + size > width) return;
      context.fillStyle = color;
      context.fillText(text, left, top - LEGEND_HEIGHT + 4);
      left += size + 10;
    };
    if (pane.label) write(pane.label, colors.muted);
    for (const series of pane.series) for (const [text, color] of series.read?.(at) ?? []) write(text, colors[color] ?? color);
  }

  drawTimeAxis(context, colors, x, ticks, height) {
    const plot = this.plotWidth();
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const tick of ticks) {
      const size = context.measureText(tick.label).width / 2;
      if (x(tick.at) < size || x(tick.at) > plot - size) continue;
      context.fillStyle = tick.strong ? colors.text : colors.muted;
      context.fillText(tick.label, x(tick.at), height - AXIS_HEIGHT / 2 + 2);
    }
  }

  drawCursor(context, colors, x, height) {
    const { cursor } = this;
    this.tip.hidden = true;
    if (!cursor || cursor.x > this.plotWidth()) return;
    context.strokeStyle = colors.muted;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(Math.round(cursor.x) + 0.5, 0);
    context.lineTo(Math.round(cursor.x) + 0.5, height - AXIS_HEIGHT);
    const pane = this.panes.find(({ frame }) => frame && cursor.y >= frame.top && cursor.y <= frame.top + frame.height);
    if (pane) {
      context.moveTo(0, Math.round(cursor.y) + 0.5);
      context.lineTo(this.plotWidth(), Math.round(cursor.y) + 0.5);
    }
    context.stroke();
    context.setLineDash([]);
    const badge = (text, left, top, width) => {
      context.fillStyle = colors.text;
      context.fillRect(left, top, width, 18);
      context.fillStyle = colors.card;
      context.fillText(text, left + width / 2, top + 10);
    };
    if (pane) {
      const { top, height: size, scale } = pane.frame;
      const value = scale.value(1 - (cursor.y - top) / size);
      badge(pane.format(value, scale.span / 400), this.plotWidth() + 2, cursor.y - 9, AXIS_WIDTH - 2);
    }
    const label = moment(this.timeAt(cursor.x));
    const width = context.measureText(label).width + 12;
    badge(label, Math.min(Math.max(0, cursor.x - width / 2), this.plotWidth() - width), height - AXIS_HEIGHT + 4, width);
    const found = this.hit(cursor.x, cursor.y);
    this.canvas.style.cursor = found ? "pointer" : "crosshair";
    if (found) this.showTip(found.lines, cursor);
  }

  showTip(lines, { x, y }) {
    this.tip.replaceChildren(
      ...lines.map(([name, value, tone]) =>
        element("div", {}, [element("span", { text: name }), element("b", { text: value, className: tone ?? "" })]),
      ),
    );
    this.tip.hidden = false;
    const left = x + 16 + this.tip.offsetWidth > this.host.clientWidth ? x - 16 - this.tip.offsetWidth : x + 16;
    this.tip.style.left = `${Math.max(4, left)}px`;
    this.tip.style.top = `${Math.max(4, Math.min(y + 12, this.host.clientHeight - this.tip.offsetHeight - 4))}px`;
  }
}

/** Where values of a pane stand between its bottom (0) and top (1). */
function frameScale(pane, lowest, highest, log) {
  const ratio = log && pane.canLog && lowest > 0;
  const bend = ratio ? Math.log : (value) => value;
  const back = ratio ? Math.exp : (value) => value;
  let [low, high] = [bend(lowest), bend(pane.ceiling ?? highest)];
  const room = (high - low || Math.abs(high) * 0.02 || 1) * 0.06;
  low -= room;
  high += pane.ceiling === undefined ? room : 0;
  return {
    share: (value) => (bend(value) - low) / (high - low),
    value: (share) => back(low + share * (high - low)),
    span: back(high) - back(low),
    grid: (most) => (ratio ? ratioTicks(back(low), back(high), most) : valueTicks(low, high, most)),
  };
}

let cachedPalette = null;

/** The page's colours, as its style sheet has them now. */
function palette() {
  if (!cachedPalette) {
    const style = getComputedStyle(document.documentElement);
    const names = ["text", "muted", "grid", "card", "up", "down", "accent", "hold", "whatif", "one", "two", "three", "four"];
    cachedPalette = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return cachedPalette;
}
