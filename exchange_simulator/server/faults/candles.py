"""Faults in the rows of a klines answer: late, missing, repeated, revised, empty, spiking and unreadable candles."""

from collections.abc import Callable, Mapping

from exchange_simulator.server.faults.rule import Rule

Row = list[object]
Rows = list[Row]

OPEN, HIGH, LOW, CLOSE, VOLUME = 1, 2, 3, 4, 5
QUOTE_VOLUME, TRADES, TAKER_BASE, TAKER_QUOTE = 7, 8, 9, 10
REVISION = 1.01
"""A revised candle closes one percent higher than it did."""


def _late(rows: Rows, rule: Rule) -> Rows:
    """Leave out the newest closed candles, and with them the open one: the database is behind."""
    behind = int(rule.number("rows")) + 1
    return rows[:-behind] if behind < len(rows) else []


def _missing(rows: Rows, rule: Rule) -> Rows:
    at = _position(rows, rule)
    return rows[:at] + rows[at + 1 :]


def _duplicate(rows: Rows, rule: Rule) -> Rows:
    at = _position(rows, rule)
    return rows[: at + 1] + rows[at:]


def _revised(rows: Rows, rule: Rule) -> Rows:
    def revise(row: Row) -> Row:
        close = float(str(row[CLOSE])) * REVISION
        high = max(close, float(str(row[HIGH])))
        return _with(row, {CLOSE: f"{close:.8f}", HIGH: f"{high:.8f}"})

    return _change(rows, rule, revise)


def _zero_volume(rows: Rows, rule: Rule) -> Rows:
    def empty(row: Row) -> Row:
        flat: dict[int, object] = dict.fromkeys((HIGH, LOW, CLOSE), row[OPEN])
        nothing: dict[int, object] = dict.fromkeys((VOLUME, QUOTE_VOLUME, TAKER_BASE, TAKER_QUOTE), "0.00000000")
        return _with(row, flat | nothing | {TRADES: 0})

    return _change(rows, rule, empty)


def _spike(rows: Rows, rule: Rule) -> Rows:
    def spike(row: Row) -> Row:
        return _with(row, {HIGH: f"{float(str(row[HIGH])) * rule.number('factor'):.8f}"})

    return _change(rows, rule, spike)


def _nan(rows: Rows, rule: Rule) -> Rows:
    return _change(rows, rule, lambda row: _with(row, dict.fromkeys((OPEN, HIGH, LOW, CLOSE), "NaN")))


def _position(rows: Rows, rule: Rule) -> int:
    return max(0, len(rows) - int(rule.number("back")))


def _change(rows: Rows, rule: Rule, change: Callable[[Row], Row]) -> Rows:
    at = _position(rows, rule)
    return [change(row) if index == at else row for index, row in enumerate(rows)]


def _with(row: Row, changes: Mapping[int, object]) -> Row:
    return [changes.get(index, value) for index, value in enumerate(row)]


CANDLE_FAULTS: Mapping[str, Callable[[Rows, Rule], Rows]] = {
    "kline_late": _late,
    "kline_missing": _missing,
    "kline_duplicate": _duplicate,
    "kline_revised": _revised,
    "kline_zero_volume": _zero_volume,
    "kline_spike": _spike,
    "kline_nan": _nan,
}
