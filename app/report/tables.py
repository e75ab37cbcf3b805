"""The page's tables: figures, months, groups, decisions, data and settings."""

import math
import re
from html import escape

import pandas as pd

from app.analytics.trades import GroupFigures
from app.report.data import ReportData
from app.report.markup import cell, facts, heads, minus, note, section, table, tone
from app.report.rows import Row, Section, sections
from app.report.text import NOTHING, count, money, number, percent

_TONES = {1: "up", 0: "", -1: "down"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_ROWS = 12


def metrics_tables(data: ReportData) -> str:
    """All figures, with intervals and buy-and-hold."""
    found = data.intervals
    level = f"{found.level * 100:.0f} %"
    tables = "".join(_figures(part, level=level) for part in sections(data))
    how = (
        f"{level} intervals: percentiles of {count(found.resamples)} histories resampled in circular blocks of "
        f"{count(found.block_candles)} candles (seed {data.seed}). They know nothing of how parameters were chosen."
        if found.resamples
        else "No intervals: they need at least 30 candles and an account that was not lost."
    )
    return section("figures", "Figures", f'<div class="columns">{tables}</div>{note(f"{how} {NOTHING} is undefined.")}')


def heatmap(data: ReportData) -> str:
    """Growth of each month, a row for each year."""
    growth = {month.month: month.growth for month in data.metrics.by_month}
    if not growth:
        return ""
    largest = max((abs(value) for value in growth.values() if math.isfinite(value)), default=0.0)
    rows = []
    for year in sorted({month[:4] for month in growth}):
        values = [growth.get(f"{year}-{month:02}") for month in range(1, 13)]
        whole = math.prod(1 + value for value in values if value is not None) - 1
        cells = "".join(_heat(value, largest) for value in values)
        total = f'<td class="year {tone(whole)}">{minus(percent(whole, 1))}</td>'
        rows.append(f'<tr><th scope="row">{year}</th>{cells}{total}</tr>')
    head = heads(["UTC, %", *_MONTHS, "Year"], numbers=False)
    return section("months", "Months", f'<div class="scroll">{table(head, rows, "heat")}</div>')


def groups(data: ReportData) -> str:
    """Trades by symbol and by exit reason."""
    metrics = data.metrics
    if not metrics.by_exit:
        return ""
    by_symbol = _group_table("By symbol", metrics.by_symbol, data.quote) if len(metrics.by_symbol) > 1 else ""
    return section("groups", "Where it came from", by_symbol + _group_table("By exit", metrics.by_exit, data.quote))


def decisions(data: ReportData) -> str:
    """How often each action was decided, and why; orders by status."""
    decided = data.decisions
    if "reason" in decided.columns:  # how much was held is no reason of its own
        words = decided["reason"].astype("category")
        kinds = {word: re.sub(r"\d[\d,.]*(e-?\d+)?", "…", str(word)) for word in words.cat.categories}
        decided = decided.assign(reason=words.map(kinds))
    tables = _count_table("Decisions", decided, ["action", "reason"])
    tables += _count_table("Orders", data.orders, ["order_type", "status", "reason"])
    return section("decisions", "Decisions and orders", f'<div class="columns">{tables}</div>') if tables else ""


def certificate(data: ReportData) -> str:
    """What the candles were like."""
    if not data.certificate:
        return ""
    tables = "".join(f"<div><h3>{escape(name)}</h3>{facts(items)}</div>" for name, items in data.certificate.items())
    return section("data", "Data certificate", f'<div class="columns">{tables}</div>')


def settings(data: ReportData) -> str:
    """What the run was made with."""
    if not data.settings:
        return ""
    items = list(data.settings.items())
    middle = (len(items) + 1) // 2
    halves = "".join(f"<div>{facts(dict(half))}</div>" for half in (items[:middle], items[middle:]) if half)
    return section("settings", "Settings", f'<div class="columns">{halves}</div>')


def _figures(part: Section, *, level: str) -> str:
    with_interval, with_hold = (any(getattr(row, name) for row in part.rows) for name in ("interval", "hold"))
    head = '<th><span class="hidden">Figure</span></th>' + heads(["Run"])
    head += f'<th scope="col" class="number wide">{level} interval</th>' if with_interval else ""
    head += heads(["Buy and hold"]) if with_hold else ""
    rows = (_figure(row, with_interval=with_interval, with_hold=with_hold) for row in part.rows)
    return f"<div><h3>{escape(part.title)}</h3>{table(head, rows, 'figures-table')}</div>"


def _figure(row: Row, *, with_interval: bool, with_hold: bool) -> str:
    meaning = f' title="{escape(row.meaning)}"' if row.meaning else ""
    inner = ' class="inner"' if row.label.startswith(" ") else ""
    cells = cell(row.value, _TONES[row.tone], below=row.interval)
    cells += cell(row.interval, "wide") if with_interval else ""
    cells += cell(row.hold) if with_hold else ""
    return f'<tr><th scope="row"{inner}{meaning}>{escape(row.label.strip())}</th>{cells}</tr>'


def _heat(value: float | None, largest: float) -> str:
    if value is None or not math.isfinite(value):
        return "<td></td>"
    strength = round(8 + 62 * math.sqrt(abs(value) / largest)) if largest and value else 0
    kind = "good" if value > 0 else "bad" if value < 0 else ""
    return f'<td class="{kind}" style="--heat:{strength}%">{minus(f"{value * 100:.1f}")}</td>'


def _group_table(title: str, figures: list[GroupFigures], quote: str) -> str:
    names = ("Trades", "Win rate", f"Net {quote}", "Profit factor", "Mean return", "Fees", "Slippage")
    rows = []
    for group in figures:
        cells = (
            cell(count(group.count)),
            cell(percent(group.win_rate, 1)),
            cell(money(group.pnl, sign=True), tone(group.pnl)),
            cell(number(group.profit_factor)),
            cell(percent(group.mean_return, 3, sign=True), tone(group.mean_return)),
            cell(money(group.fees)),
            cell(money(group.slippage)),
        )
        rows.append(f'<tr><th scope="row">{escape(group.name) or NOTHING}</th>{"".join(cells)}</tr>')
    return f'<h3>{title}</h3><div class="scroll">{table(f"<th></th>{heads(names)}", rows, "groups")}</div>'


def _count_table(title: str, frame: pd.DataFrame, names: list[str]) -> str:
    if frame.empty or not set(names) <= set(frame.columns):
        return ""
    counts = frame[names].astype(str).value_counts().head(_MOST_ROWS)
    rows = (
        f"<tr>{''.join(f'<td>{escape(str(part))}</td>' for part in key)}{cell(count(total))}</tr>"
        for key, total in zip(counts.index, counts, strict=True)
    )
    head = heads([name.replace("_", " ") for name in names], numbers=False) + heads(["count"])
    return f'<div><h3>{title}</h3><div class="scroll">{table(head, rows)}</div></div>'
