import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange_simulator.market import candles
from exchange_simulator.market.candles import Column
from exchange_simulator.market.intervals import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from exchange_simulator.market.synthetic import SyntheticMarket, SyntheticSource, SyntheticSymbol
from exchange_simulator.market.tape import Grid, Tape

START = 1_760_000_123_000_000
BTC = SyntheticSymbol(name="BTCUSDT", grid=Grid(10**6, 10**3), price=60_000.0)
ETH = SyntheticSymbol(name="ETHUSDT", grid=Grid(10**6, 10**4), price=3_000.0)
CHEAP = SyntheticSymbol(name="PEPEUSDT", grid=Grid(1, 10**8), price=0.00001, daily_turnover=1e6)


def source(symbol: SyntheticSymbol = BTC, seed: int = 7, **settings_: float) -> SyntheticSource:
    return SyntheticMarket(seed, START, **settings_).source(symbol)


def same(left: Tape, right: Tape) -> bool:
    columns = ("time_us", "price", "quantity", "buyer")
    return all(np.array_equal(getattr(left, column), getattr(right, column)) for column in columns)


def minute_returns(symbol: SyntheticSymbol, days: int, **settings_: float) -> np.ndarray:
    tape = source(symbol, **settings_).tape(START - days * DAY_US, START)
    return np.diff(np.log(candles.from_tape(tape, MINUTE_US)[:, Column.CLOSE]))


def test_the_same_seed_gives_the_same_prints_and_another_seed_others():
    span = (START - HOUR_US, START + HOUR_US)
    assert same(source().tape(*span), source().tape(*span))
    assert not same(source().tape(*span), source(seed=8).tape(*span))


@given(cuts=st.lists(st.integers(-5 * HOUR_US, 5 * HOUR_US), max_size=8), backwards=st.booleans())
@settings(deadline=None, max_examples=25)
def test_a_span_asked_for_in_pieces_in_any_order_is_the_same(cuts: list[int], backwards: bool):
    edges = [START - 5 * HOUR_US, *sorted(START + cut for cut in cuts), START + 5 * HOUR_US]
    pieces = list(itertools.pairwise(edges))
    asked = source()
    order = pieces[::-1] if backwards else pieces
    parts = [asked.tape(*piece) for piece in order]
    whole = Tape.joined(parts[::-1] if backwards else parts)
    assert same(whole, source().tape(edges[0], edges[-1]))


@pytest.mark.parametrize("symbol", [BTC, ETH, CHEAP], ids=lambda symbol: symbol.name)
def test_the_price_at_the_start_is_the_configured_one(symbol: SyntheticSymbol):
    near = source(symbol).tape(START - 10 * SECOND_US, START + 10 * SECOND_US)
    configured = symbol.price * 1e8 / symbol.grid.tick
    assert np.all(np.abs(near.price / configured - 1) < 0.005)


@pytest.mark.parametrize("boundary_us", [START, START // HOUR_US * HOUR_US, START // DAY_US * DAY_US])
def test_the_path_goes_on_without_a_jump_where_blocks_and_past_and_present_meet(boundary_us: int):
    before = source().tape(boundary_us - HOUR_US, boundary_us).price
    after = source().tape(boundary_us, boundary_us + HOUR_US).price
    steps = np.abs(np.diff(np.log(np.concatenate((before, after)))))
    assert steps[len(before) - 1] < 10 * steps.mean() + 1e-4


def test_volatility_comes_in_clusters_and_returns_do_not_predict_returns():
    returns = minute_returns(BTC, days=10)
    size = np.abs(returns)
    clustering = [np.corrcoef(size[:-lag], size[lag:])[0, 1] for lag in range(1, 31)]
    assert np.mean(clustering) > 0.05
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.05


def test_large_moves_are_commoner_than_in_a_normal_distribution():
    returns = minute_returns(BTC, days=10)
    assert np.mean((returns - returns.mean()) ** 4) / returns.var() ** 2 > 3.5


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.95])
def test_two_symbols_correlate_about_as_configured(correlation: float):
    btc = minute_returns(BTC, days=10, correlation=correlation)
    eth = minute_returns(ETH, days=10, correlation=correlation)
    assert np.corrcoef(btc, eth)[0, 1] == pytest.approx(correlation, abs=0.08)


def test_daily_returns_have_about_the_configured_volatility():
    asked = source()
    days = range(START // DAY_US - 1000, START // DAY_US)
    prices = [int(asked.tape(day * DAY_US, day * DAY_US + 4 * SECOND_US).price[0]) for day in days]
    assert np.diff(np.log(prices)).std() == pytest.approx(BTC.daily_volatility, rel=0.25)


def test_averages_of_five_and_twenty_minutes_cross_several_times_an_hour():
    tape = source().tape(START - 5 * DAY_US, START)
    close = candles.from_tape(tape, MINUTE_US)[:, Column.CLOSE].astype(float)
    fast, slow = (np.convolve(close, np.ones(window) / window, "valid") for window in (5, 20))
    above = fast[15:] > slow
    assert 2 < (above[1:] != above[:-1]).sum() / (5 * 24) < 8


@pytest.mark.parametrize("symbol", [BTC, CHEAP], ids=lambda symbol: symbol.name)
def test_prints_are_in_order_and_trade_something(symbol: SyntheticSymbol):
    tape = source(symbol).tape(START, START + DAY_US)
    assert np.all(np.diff(tape.time_us) > 0)
    assert tape.price.min() > 0
    assert tape.quantity.min() > 0
    assert 0.45 < tape.buyer.mean() < 0.55


def test_there_is_nothing_before_the_listing_and_something_right_after_it():
    asked = source(history_days=30)
    assert len(asked.tape(asked.first_us - DAY_US, asked.first_us)) == 0
    assert len(asked.tape(asked.first_us - DAY_US, asked.first_us + MINUTE_US)) > 0


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda: SyntheticMarket(-1, START), "the seed is -1", id="seed"),
        pytest.param(lambda: SyntheticMarket(1, START, correlation=1.5), "the correlation is 1.5", id="correlation"),
        pytest.param(lambda: SyntheticSymbol(name="X", grid=BTC.grid, price=0), "X: price is 0", id="price"),
        pytest.param(
            lambda: SyntheticSymbol(name="X", grid=BTC.grid, price=1, spread_bp=-1), "spread_bp is -1", id="spread"
        ),
    ],
)
def test_a_setting_out_of_range_is_refused_by_its_name(make, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        make()
