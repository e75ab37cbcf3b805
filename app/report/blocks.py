"""The page's head, its first figures, and the places that scripts fill."""

from html import escape

from app.report.data import ReportData
from app.report.markup import MINUS, minus, note, section, tone
from app.report.payload import curve_bucket, listed
from app.report.resolutions import EVERYTHING, MIDDLE, OVERVIEW, bucket_length
from app.report.text import count, duration, moment, money, number, percent, span

_LINKS = (
    ("equity", "Equity"),
    ("price", "Price and trades"),
    ("figures", "Figures"),
    ("months", "Months"),
    ("what-if", "What if"),
    ("trades", "Trades"),
    ("data", "Data"),
)


def body_head(data: ReportData, body: str) -> str:
    """Title, range, the causality verdict, and a menu of the sections that `body` has."""
    metrics, verdict = data.metrics, data.verdict
    headline, kind, alarm = "causality not checked", "none", ""
    if verdict is not None:
        headline, kind = verdict.headline, {True: "good", False: "bad", None: "none"}[verdict.believable]
        alarm = f'<div class="alarm {kind}" role="alert">{escape(verdict.finding)}</div>' if verdict.finding else ""
    facts = (
        ", ".join(data.candles) or "no candles",
        data.timeframe,
        f"{moment(metrics.start_ms)} to {moment(metrics.end_ms)} UTC",
        f"{count(metrics.candles)} candles",
    )
    links = "".join(f'<a href="#{target}">{text}</a>' for target, text in _LINKS if f'id="{target}"' in body)
    return f"""<header><div class="inner">
<div class="title"><h1>{escape(data.title)}</h1>{note(escape(" · ".join(facts)))}</div>
<span class="badge {kind}" id="verdict">{escape(headline)}</span>
<button type="button" id="theme" title="Light or dark" aria-label="Light or dark">◐</button>{alarm}
</div></header>
<nav aria-label="Sections"><div class="inner">{links}</div></nav>"""


def tiles(data: ReportData) -> str:
    """The six figures that are looked at first."""
    run, hold, found, trades = data.metrics.equity, data.metrics.hold, data.intervals, data.metrics.trades
    beside = f"buy and hold {percent(hold.total_return, 1, sign=True)}" if hold else ""
    growth = span(percent(found.cagr.low, 0, sign=True), percent(found.cagr.high, 0, sign=True))
    fall = span(percent(found.max_drawdown.low, 0), percent(found.max_drawdown.high, 0))
    ratio = span(number(found.sharpe.low, 1), number(found.sharpe.high, 1))
    fees = f"{money(trades.fees)} {data.quote} fees"
    items = (
        ("Total return", percent(run.total_return, 1, sign=True), beside, run.total_return),
        ("CAGR", percent(run.cagr, 1, sign=True), growth, run.cagr),
        ("Sharpe", number(run.sharpe), ratio, run.sharpe),
        ("Max drawdown", percent(run.max_drawdown, 1), fall, 0),
        ("Trades", count(trades.count), f"{percent(trades.win_rate, 0)} won", 0),
        ("Profit factor", number(trades.profit_factor), fees, trades.profit_factor - 1),
    )
    cells = "".join(
        f'<div class="tile"><div class="name">{name}</div><div class="value {tone(good)}">{minus(value)}</div>'
        f"<small>{minus(escape(below)) or '&nbsp;'}</small></div>"
        for name, value, below, good in items
    )
    return f'<div class="tiles">{cells}</div>'


def charts(data: ReportData) -> str:
    """Places for the charts, with what they show and at which resolution."""
    bucket = curve_bucket(data)
    whole = "" if bucket == data.timeframe_ms else "; lows and drawdowns are those of all candles"
    equity = (
        '<div class="chart" id="equity-chart" data-label="Equity and drawdown chart"></div>'
        + note(
            f"At the close of each {duration(bucket)}{whole}. Drag to move; buttons, + and {MINUS} keys, pinch, or "
            "Ctrl and wheel to zoom; double-click for all."
        )
        if data.equity.size > 1
        else note("A curve needs two candles.")
    )
    return section("equity", "Equity", equity) + _price(data)


def what_if(data: ReportData) -> str:
    """A place for the sliders."""
    if data.trades.empty:
        return ""
    remark = note(
        "The same trades at the same sizes: only fees and slippage are scaled, and booked when a trade closes. Other "
        "costs could have led to other trades."
    )
    return section("what-if", "What if costs were others", f'<div id="what-if-panel"></div>{remark}')


def trade_list(data: ReportData) -> str:
    """A place for the list."""
    kept, total = listed(data.trades).size, len(data.trades)
    missing = (
        note(f"The {count(kept)} trades with the largest results of {count(total)}. Figures above are of all.")
        if kept < total
        else ""
    )
    body = '<div id="trade-list"></div>' if total else note("No trades.")
    return section("trades", "Trades", missing + body)


def notes(data: ReportData) -> str:
    """How figures are made."""
    remark = (
        f"Years have 365 days; ratios are annualised from {escape(data.timeframe)} candles with a risk-free rate of 0. "
        "Buy-and-hold puts equal shares into the symbols at their first open and pays fee and slippage once. A "
        "backtest shows what would have happened, not what will."
    )
    return f"<footer><p>{remark}</p></footer>"


def _price(data: ReportData) -> str:
    if not data.candles:
        return ""
    options = "".join(f"<option>{escape(name)}</option>" for name in data.candles)
    select = f'<select id="symbol" aria-label="Symbol">{options}</select>' if len(data.candles) > 1 else ""
    legend = "▲ long entry, ▼ short entry, ● exit; dotted: stop and target. Hover or tap a trade for its reasons."
    body = '<div class="chart" id="price-chart" data-label="Price chart with trades"></div>'
    return section("price", "Price and trades", body + note(f"{legend} {_resolution(data)}"), beside=select)


def _resolution(data: ReportData) -> str:
    longest = max(len(frame) for frame in data.candles.values())
    if longest <= EVERYTHING:
        return "All candles are in this page."
    span_ms = data.metrics.end_ms - data.metrics.start_ms
    middle, overview = (duration(bucket_length(span_ms, data.timeframe_ms, most)) for most in (MIDDLE, OVERVIEW))
    return (
        f"Drawn in candles of {overview}, closer in {middle}; single candles are in this page for trades, those with "
        "the largest results first."
    )
