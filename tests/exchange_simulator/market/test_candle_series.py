import random

import numpy as np
import pytest

from exchange_simulator.market import candles
from exchange_simulator.market.candles import Column
from exchange_simulator.market.intervals import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Interval
from exchange_simulator.market.klines import as_klines, rows_asked_for
from exchange_simulator.market.replay import CandleReplay
from exchange_simulator.market.series import CandleSeries
from exchange_simulator.market.synthetic import SyntheticMarket, SyntheticSource, SyntheticSymbol
from exchange_simulator.market.tape import Grid, PriceSource

START = 1_760_000_123_456_789
SYMBOL = SyntheticSymbol(name="BTCUSDT", grid=Grid(10**6, 10**3), price=60_000.0)


def source(history_days: int = 40) -> SyntheticSource:
    return SyntheticMarket(3, START, history_days=history_days).source(SYMBOL)


def lived(prices: PriceSource, start_us: int, until_us: int) -> CandleSeries:
    """A series that began at `start_us` and has seen the source's prints up to `until_us`."""
    series = CandleSeries(prices, start_us)
    tape = prices.tape(start_us, until_us)
    for number, row in enumerate(zip(tape.time_us, tape.price, tape.quantity, tape.buyer, strict=True)):
        time_us, ticks, steps, buyer = row
        series.add(int(time_us), int(ticks), int(steps), 1000 + number, buyer=bool(buyer))
    return series


def without_ids(rows: np.ndarray) -> list[list[int]]:
    return rows[:, : Column.FIRST_ID].tolist()


@pytest.mark.parametrize("interval", list(Interval))
def test_candles_built_from_prints_equal_those_of_the_past_wherever_the_start_lies(interval: Interval):
    prices, now = source(), START + 26 * HOUR_US
    asked = {"now_us": now, "limit": 1000}
    late = CandleSeries(prices, now)
    wanted = without_ids(rows_asked_for(late, prices, interval, **asked))
    assert without_ids(rows_asked_for(lived(prices, START, now), prices, interval, **asked)) == wanted
    assert len(wanted) > 0


@pytest.mark.parametrize(
    ("short", "long"),
    [("1s", "1m"), ("1m", "5m"), ("1m", "1h"), ("1h", "4h"), ("1h", "1d"), ("1d", "1w"), ("1d", "1M")],
)
def test_a_long_candle_is_the_sum_of_the_short_ones_inside_it(short: str, long: str):
    prices, now = source(), START + 2 * HOUR_US
    series = lived(prices, START, now)
    whole = rows_asked_for(series, prices, Interval(long), now_us=now, limit=3)[-2]
    opened = int(whole[Column.OPEN_US])
    inside = rows_asked_for(
        series,
        prices,
        Interval(short),
        now_us=now,
        limit=1000,
        start_us=opened,
        end_us=Interval(long).next(opened) - 1,
    )
    assert candles.regrouped(inside, Interval(long)).tolist() == [whole.tolist()]


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        pytest.param({"limit": 3}, -2, 0, id="the newest, the open one included"),
        pytest.param({"limit": 3, "start": -10}, -10, -8, id="forward from the start"),
        pytest.param({"limit": 3, "end": -10}, -12, -10, id="backward from the end, the end included"),
        pytest.param({"limit": 100, "start": -5, "end": -3}, -5, -3, id="between both, both included"),
        pytest.param({"limit": 100, "start": -1}, -1, 0, id="nothing from the future"),
        pytest.param({"limit": 2, "end": 50}, -1, 0, id="an end in the future is now"),
    ],
)
def test_the_bounds_of_a_question_are_those_of_binance(question: dict[str, int], first: int, last: int):
    prices = source()
    minute = START // MINUTE_US * MINUTE_US
    bounds = {f"{name}_us": minute + question[name] * MINUTE_US for name in ("start", "end") if name in question}
    rows = rows_asked_for(
        CandleSeries(prices, START), prices, Interval.M1, now_us=START, limit=question["limit"], **bounds
    )
    places = [(int(opened) - minute) // MINUTE_US for opened in rows[:, Column.OPEN_US]]
    assert places == list(range(first, last + 1))


def test_a_start_inside_a_candle_means_the_next_one_and_a_start_after_the_end_means_nothing():
    prices = source()
    series, minute = CandleSeries(prices, START), START // MINUTE_US * MINUTE_US
    ask = {"now_us": START, "limit": 5}
    rows = rows_asked_for(series, prices, Interval.M1, start_us=minute - 5 * MINUTE_US + 1, **ask)
    assert rows[0, Column.OPEN_US] == minute - 4 * MINUTE_US
    assert len(rows_asked_for(series, prices, Interval.M1, start_us=minute, end_us=minute - 1, **ask)) == 0


def test_a_question_from_1970_answers_from_the_listing_on():
    prices = source(history_days=5)
    rows = rows_asked_for(CandleSeries(prices, START), prices, Interval.H1, now_us=START, limit=10, start_us=0)
    assert rows[0, Column.OPEN_US] == prices.first_us
    assert len(rows) == 10


def test_a_restored_series_goes_on_as_the_saved_one():
    prices = source()
    series = lived(prices, START, START + HOUR_US)
    copy = CandleSeries(prices, START)
    copy.restore(series.state())
    for both in (series, copy):
        both.add(START + HOUR_US + 5, 6_000_000, 10, 99_999, buyer=True)
    for interval in Interval:
        asked = {"now_us": START + HOUR_US + 6, "limit": 100}
        left = rows_asked_for(series, prices, interval, **asked)
        assert left.tolist() == rows_asked_for(copy, prices, interval, **asked).tolist()


def test_seconds_that_are_too_old_are_left_out_instead_of_invented():
    prices = source()
    series = CandleSeries(prices, START)
    begin = START // SECOND_US * SECOND_US
    for second in range(10_000):
        series.add(begin + second * SECOND_US + 500_000, 6_000_000, 1, second, buyer=True)
    now = begin + 10_000 * SECOND_US
    rows = rows_asked_for(series, prices, Interval.S1, now_us=now, limit=1000, start_us=begin + 10 * SECOND_US)
    assert rows[0, Column.OPEN_US] > begin + 1000 * SECOND_US
    assert np.all(np.diff(rows[:, Column.OPEN_US]) == SECOND_US)
    hours = rows_asked_for(series, prices, Interval.H1, now_us=now, limit=2)
    assert hours[-1, Column.COUNT] + hours[-2, Column.COUNT] > 3600


def test_a_hole_counts_towards_no_limit():
    minutes = [*range(10), *range(5000, 5010)]
    opens = START // DAY_US * DAY_US + MINUTE_US * np.array(minutes)
    prices = np.full((20, 4), 700)
    replay = CandleReplay(Interval.M1, Grid(10**6, 10**3), opens, prices, np.full(20, 50))
    now = int(opens[-1]) + 30 * SECOND_US
    series = lived(replay, int(opens[5]), now)
    backward = rows_asked_for(series, replay, Interval.M1, now_us=now, limit=15)
    assert backward[:, Column.OPEN_US].tolist() == opens[-15:].tolist()
    forward = rows_asked_for(series, replay, Interval.M1, now_us=now, limit=15, start_us=0)
    assert forward[:, Column.OPEN_US].tolist() == opens[:15].tolist()


def test_klines_carry_wire_units_and_rows_the_first_trade_id():
    prices = source()
    series = lived(prices, START, START + 3 * MINUTE_US)
    rows = rows_asked_for(series, prices, Interval.M1, now_us=START + 3 * MINUTE_US, limit=3)[1:]
    kline = as_klines(rows, Interval.M1, prices.grid)[0]
    assert kline.close_ms == kline.open_ms + 59_999
    assert kline.close == rows[0, Column.CLOSE] * 10**6
    assert kline.low * kline.volume <= kline.quote_volume * 10**8 <= kline.high * kline.volume
    assert rows[1, Column.FIRST_ID] - rows[0, Column.FIRST_ID] == kline.trades


def test_prints_in_any_order_of_chunks_give_the_same_series():
    prices, rng = source(), random.Random(5)
    cuts = sorted(START + rng.randrange(HOUR_US) for _ in range(50))
    series = CandleSeries(prices, START)
    for from_us, to_us in zip([START, *cuts], [*cuts, START + HOUR_US], strict=True):
        tape = prices.tape(from_us, to_us)
        for time_us, ticks, steps, buyer in zip(tape.time_us, tape.price, tape.quantity, tape.buyer, strict=True):
            series.add(int(time_us), int(ticks), int(steps), 0, buyer=bool(buyer))
    late = CandleSeries(prices, START + HOUR_US)
    asked = {"now_us": START + HOUR_US, "limit": 500}
    wanted = without_ids(rows_asked_for(late, prices, Interval.S1, **asked))
    assert without_ids(rows_asked_for(series, prices, Interval.S1, **asked)) == wanted


@pytest.mark.parametrize("interval", ["1s", "1w", "1M"])
def test_a_kline_closes_a_millisecond_before_the_next_one_opens(interval: str):
    prices = source(history_days=100)
    rows = rows_asked_for(CandleSeries(prices, START), prices, Interval(interval), now_us=START, limit=4)
    klines = as_klines(rows, Interval(interval), prices.grid)
    assert [kline.close_ms + 1 for kline in klines[:-1]] == [kline.open_ms for kline in klines[1:]]
    assert klines[-1].close_ms * 1000 > START
