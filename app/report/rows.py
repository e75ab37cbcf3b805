"""The figures as labelled rows: one list that terminal and page both show."""

from dataclasses import dataclass

from app.analytics.metrics import EquityFigures, Metrics
from app.report.data import ReportData
from app.report.text import NOTHING, count, duration, moment, money, number, percent, span


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        label: Its name.
        value: Of the run.
        interval: 95 % of resampled histories; empty where there is none.
        hold: Of buy-and-hold; empty where it has no such figure.
        meaning: In a sentence.
        tone: 1 good, -1 bad, 0 neither.
    """

    label: str
    value: str
    interval: str = ""
    hold: str = ""
    meaning: str = ""
    tone: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading."""

    title: str
    rows: list[Row]


def sections(data: ReportData) -> list[Section]:
    """All figures of a run but the tables by symbol, exit reason and month."""
    metrics = data.metrics
    return [
        Section("Return", _return_rows(data, metrics)),
        Section("Risk", _risk_rows(data, metrics)),
        Section("Trades", _trade_rows(data, metrics)),
        Section("Exposure and costs", _cost_rows(data, metrics)),
    ]


def _return_rows(data: ReportData, metrics: Metrics) -> list[Row]:
    run, hold, found = metrics.equity, metrics.hold, data.intervals
    return [
        Row(
            "Total return",
            percent(run.total_return, sign=True),
            hold=percent(hold.total_return, sign=True) if hold else "",
            meaning="Final equity over starting cash, minus 1.",
            tone=_tone(run.total_return),
        ),
        Row(
            "CAGR",
            percent(run.cagr, sign=True),
            span(percent(found.cagr.low, 1, sign=True), percent(found.cagr.high, 1, sign=True)),
            percent(hold.cagr, sign=True) if hold else "",
            "Compound growth a year of 365 days, from the time elapsed.",
            _tone(run.cagr),
        ),
        Row(
            f"Final equity ({data.quote})",
            money(run.final),
            hold=money(hold.final) if hold else "",
            meaning=f"From {money(metrics.start_cash)} {data.quote}.",
        ),
        Row(
            "Sharpe",
            number(run.sharpe),
            span(number(found.sharpe.low), number(found.sharpe.high)),
            number(hold.sharpe) if hold else "",
            "Mean over standard deviation of candle returns, a year; risk-free rate 0 (Sharpe 1994).",
            _tone(run.sharpe),
        ),
        _ratio(
            "Sortino", "sortino", run, hold, "Mean over downside deviation, a year (Sortino and van der Meer 1991)."
        ),
        _ratio("Calmar", "calmar", run, hold, "CAGR over the deepest drawdown (Young 1991)."),
        _ratio("Omega", "omega", run, hold, "Gains over losses of candle returns (Keating and Shadwick 2002).", 3),
    ]


def _risk_rows(data: ReportData, metrics: Metrics) -> list[Row]:
    run, hold, found = metrics.equity, metrics.hold, data.intervals
    tail = "UTC day" if data.timeframe_ms < 86_400_000 else "candle"
    recovered = moment(run.drawdown_recovery_ms) if run.drawdown_recovery_ms is not None else "not yet"
    return [
        Row(
            "Max drawdown",
            percent(run.max_drawdown),
            span(percent(found.max_drawdown.low, 1), percent(found.max_drawdown.high, 1)),
            percent(hold.max_drawdown) if hold else "",
            "Deepest fall below the account's own peak.",
            _tone(run.max_drawdown),
        ),
        Row("  from", moment(run.drawdown_peak_ms), hold=moment(hold.drawdown_peak_ms)[:10] if hold else ""),
        Row("  lowest", moment(run.drawdown_trough_ms), hold=moment(hold.drawdown_trough_ms)[:10] if hold else ""),
        Row(
            "  recovered",
            recovered if run.max_drawdown else NOTHING,
            hold=_recovered(hold) if hold else "",
            meaning="When the peak was reached again.",
        ),
        Row(
            "  lasted",
            _length(run.drawdown_ms),
            hold=_length(hold.drawdown_ms) if hold else "",
            meaning="From the peak to the recovery, or to the end of the run.",
        ),
        Row(
            "  in candles",
            count(run.drawdown_candles) if run.drawdown_candles else NOTHING,
            hold=count(hold.drawdown_candles) if hold and hold.drawdown_candles else "",
        ),
        Row(
            "Longest drawdown",
            _length(run.longest_drawdown_ms),
            hold=_length(hold.longest_drawdown_ms) if hold else "",
            meaning="Longest time below a peak.",
        ),
        Row(
            "Volatility",
            percent(run.volatility),
            hold=percent(hold.volatility) if hold else "",
            meaning="Standard deviation of candle returns, a year.",
        ),
        Row(
            f"VaR 95 % ({tail})",
            percent(run.value_at_risk),
            hold=percent(hold.value_at_risk) if hold else "",
            meaning=f"One {tail} in twenty was worse (historical simulation).",
        ),
        Row(
            f"CVaR 95 % ({tail})",
            percent(run.expected_shortfall),
            hold=percent(hold.expected_shortfall) if hold else "",
            meaning="Mean of those (Rockafellar and Uryasev 2002).",
        ),
    ]


def _trade_rows(data: ReportData, metrics: Metrics) -> list[Row]:
    trades, quote = metrics.trades, data.quote
    still_open = f" ({trades.still_open} still open)" if trades.still_open else ""
    return [
        Row("Trades", count(trades.count) + still_open, meaning="Closed portions of positions."),
        Row("Win rate", percent(trades.win_rate), meaning="Trades with a net profit."),
        Row(
            "Profit factor",
            number(trades.profit_factor),
            meaning="Sum of profits over sum of losses; undefined without losses.",
            tone=_tone(trades.profit_factor - 1),
        ),
        Row("Payoff ratio", number(trades.payoff), meaning="Mean profit over mean loss."),
        Row(
            f"Expectancy ({quote})",
            money(trades.expectancy, sign=True),
            meaning="Mean net result of a trade.",
            tone=_tone(trades.expectancy),
        ),
        Row("Mean return of a trade", percent(trades.mean_return, 3, sign=True), tone=_tone(trades.mean_return)),
        Row("Best / worst trade", f"{percent(trades.best, sign=True)} / {percent(trades.worst, sign=True)}"),
        Row(
            "Longest streak",
            f"{trades.winning_streak} wins / {trades.losing_streak} losses",
            meaning="In order of exit.",
        ),
        Row("Mean time held", duration(trades.mean_candles * data.timeframe_ms)),
    ]


def _cost_rows(data: ReportData, metrics: Metrics) -> list[Row]:
    trades, quote = metrics.trades, data.quote
    return [
        Row("Time in market", percent(metrics.in_market), meaning="Candles with a position."),
        Row(
            "Exposure, mean / max",
            f"{percent(metrics.mean_exposure)} / {percent(metrics.max_exposure)}",
            meaning="Position notional over equity.",
        ),
        Row(
            "Turnover a year",
            number(metrics.turnover_per_year, 1),
            meaning="Value bought and sold, in multiples of mean equity.",
        ),
        Row(f"Fees ({quote})", money(trades.fees), meaning=f"At {percent(data.fee_rate, 3)} of the notional."),
        Row(f"Slippage ({quote})", money(trades.slippage), meaning=f"At {number(data.slippage_bp, 1)} basis points."),
        Row(
            "Costs / profit before costs",
            _cost_share(trades.fees + trades.slippage, trades.pnl),
            meaning="Part of what trades earned before fees and slippage that these took.",
        ),
    ]


def _ratio(label: str, name: str, run: EquityFigures, hold: EquityFigures | None, meaning: str, digits: int = 2) -> Row:
    return Row(
        label,
        number(getattr(run, name), digits),
        hold=number(getattr(hold, name), digits) if hold else "",
        meaning=meaning,
        tone=_tone(getattr(run, name) - (name == "omega")),
    )


def _cost_share(costs: float, net: float) -> str:
    return percent(costs / (net + costs)) if net + costs > 0 else NOTHING


def _recovered(figures: EquityFigures) -> str:
    if not figures.max_drawdown:
        return NOTHING
    return "not yet" if figures.drawdown_recovery_ms is None else moment(figures.drawdown_recovery_ms)[:10]


def _length(ms: int) -> str:
    return duration(ms) if ms else NOTHING


def _tone(value: float) -> int:
    return int(value > 0) - int(value < 0)
