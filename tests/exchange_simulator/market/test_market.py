import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from exchange_simulator.engine.instrument import Instrument, SymbolStatus, spot_instrument
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.market.files import read_market_file
from exchange_simulator.market.intervals import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Interval
from exchange_simulator.market.market import SimulatedMarket
from exchange_simulator.market.plan import MarketPlan, SymbolPlan, usual_grid, usual_price, usual_symbol
from exchange_simulator.market.tape import Grid

Build = Callable[..., object]
START = 1_760_000_040_000_000
REAL = Path(os.environ.get("KEEL_MARKET_DATA", Path(__file__).parents[4] / "shared" / "data"))


def both_sides(one) -> dict[str, tuple]:
    return {name: tuple(one.side(name, buy=buy) for buy in (True, False)) for name in one.exchange.instruments()}


def all_klines(market, symbol: str = "BTCUSDT") -> dict[str, list]:
    return {interval: market.klines(symbol, interval, limit=1000) for interval in Interval}


def test_the_same_plan_makes_the_same_trades_and_candles(scene: Build):
    first, second = scene("BTC", "ETH"), scene("BTC", "ETH")
    for one in (first, second):
        one.run(HOUR_US)
    assert first.trades == second.trades
    assert all_klines(first.market) == all_klines(second.market)
    assert len(first.trades) == 2 * 1200


def test_time_in_one_go_or_in_a_thousand_steps_is_the_same(scene: Build):
    whole, pieces = scene("BTC", "ETH", "SOL"), scene("BTC", "ETH", "SOL")
    whole.run(HOUR_US)
    cuts = sorted(random.Random(1).sample(range(HOUR_US), 999))
    for begin, end in zip([0, *cuts], [*cuts, HOUR_US], strict=True):
        pieces.run(end - begin)
    assert pieces.trades == whole.trades
    assert both_sides(pieces) == both_sides(whole)


def test_trades_of_all_symbols_print_in_order_of_time(scene: Build):
    one = scene("BTC", "ETH", "SOL")
    one.run(10 * MINUTE_US)
    times = [trade.time_us for trade in one.trades]
    assert times == sorted(times)
    assert {trade.symbol for trade in one.trades} == {"BTCUSDT", "ETHUSDT", "SOLUSDT"}


def test_what_was_lived_equals_what_a_later_start_calls_the_past(scene: Build):
    early = scene("BTC")
    early.run(2 * HOUR_US)
    tape = early.market._lanes["BTCUSDT"].source.tape(early.market.plan.start_us, early.clock.now_us() + 1)
    grid = early.market.grid("BTCUSDT")
    printed = [(trade.time_us, trade.price // grid.tick, trade.quantity // grid.step) for trade in early.trades]
    assert printed == list(zip(tape.time_us.tolist(), tape.price.tolist(), tape.quantity.tolist(), strict=True))


def test_there_is_a_book_before_the_first_print_and_never_a_crossed_one(scene: Build):
    one = scene("BTC")
    one.run(0)
    assert one.trades == []
    for _ in range(200):
        assert one.best("BTCUSDT", buy=True) < one.best("BTCUSDT", buy=False)
        assert [len(side) for side in both_sides(one)["BTCUSDT"]] == [21, 21]
        one.run(3 * SECOND_US)


def test_a_saved_market_goes_on_as_if_nothing_had_happened(scene: Build):
    through, saved = scene("BTC", "ETH"), scene("BTC", "ETH")
    for one in (through, saved):
        one.run(10 * MINUTE_US)
        one.place("BTCUSDT", 70_000 * 10**8, 20 * 10**8, buy=True, ioc=True)
    saved.restart()
    for one in (through, saved):
        one.run(HOUR_US)
    assert saved.trades == through.trades
    assert both_sides(saved) == both_sides(through)
    assert all_klines(saved.market) == all_klines(through.market)
    assert saved.exchange.save() == through.exchange.save()


def test_a_large_order_moves_the_price_and_the_house_brings_it_back(scene: Build):
    quiet, hit = scene("BTC"), scene("BTC")
    for one in (quiet, hit):
        one.run(10 * MINUTE_US)
    amount = sum(quantity for _, quantity in hit.side("BTCUSDT", buy=False)) // 2 // 10**3 * 10**3
    before = hit.best("BTCUSDT", buy=False)
    hit.place("BTCUSDT", 70_000 * 10**8, amount, buy=True, ioc=True)
    paid = hit.trades[-1].price

    def gap() -> float:
        return hit.best("BTCUSDT", buy=False) / quiet.best("BTCUSDT", buy=False) - 1

    assert paid > before
    gaps = []
    for seconds in (6, 30, 30, 60, 600):
        for one in (quiet, hit):
            one.run(seconds * SECOND_US)
        gaps.append(gap())
    assert 0 < gaps[0] < paid / before - 1  # the house believes half of it
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == pytest.approx(0, abs=1e-6)


def test_a_small_order_leaves_no_displacement(scene: Build):
    quiet, hit = scene("BTC"), scene("BTC")
    for one in (quiet, hit):
        one.run(MINUTE_US)
    hit.place("BTCUSDT", 70_000 * 10**8, 10**4, buy=True, ioc=True)
    for one in (quiet, hit):
        one.run(MINUTE_US)
    theirs = [(trade.price, trade.quantity) for trade in hit.trades if trade.quantity != 10**4]
    assert theirs == [(trade.price, trade.quantity) for trade in quiet.trades]


@pytest.mark.parametrize("buy", [True, False], ids=["bid", "ask"])
def test_an_order_that_the_price_moves_through_is_filled_at_its_price(scene: Build, buy: bool):
    one = scene("BTC")
    one.run(MINUTE_US)
    own_price = one.best("BTCUSDT", buy=buy)
    price = round(own_price * (0.998 if buy else 1.002)) // 10**6 * 10**6
    mine = one.place("BTCUSDT", price, 3 * 10**8, buy=buy)
    one.run(DAY_US // 4)
    assert mine.remaining == 0
    fills = [trade for trade in one.trades if trade.maker_order_id == mine.order_id]
    assert sum(trade.quantity for trade in fills) == 3 * 10**8
    assert {trade.price for trade in fills} == {price}


def test_who_stands_in_front_of_the_house_is_filled_first(scene: Build):
    one = scene("BTC")
    one.run(MINUTE_US)
    bid, ask = (one.best("BTCUSDT", buy=buy) for buy in (True, False))
    assert ask - bid > 2 * 10**6
    mine = one.place("BTCUSDT", bid + 10**6, 10**3, buy=True)
    one.run(MINUTE_US)
    assert mine.remaining == 0


def write_candles(folder: Path, minutes: dict[int, tuple[float, ...]], start_us: int) -> SymbolPlan:
    lines = ["open_time,open,high,low,close,volume"]
    for minute, values in minutes.items():
        lines.append(",".join(str(value) for value in (start_us // 1000 + minute * 60_000, *values)))
    path = folder / "ABCUSDT.csv"
    path.write_text("\n".join(lines) + "\n")
    return SymbolPlan(symbol="ABCUSDT", grid=Grid(10**6, 10**6), files=(str(path),))


REPLAYED = {
    0: (10.0, 12.0, 9.5, 11.0, 100.0),
    1: (11.0, 11.0, 10.0, 10.5, 0.07),
    2: (10.5, 10.5, 10.5, 10.5, 0.0),
    3: (10.6, 10.7, 10.6, 10.6, 0.0),
    7: (8.0, 9.0, 8.0, 9.0, 5.25),
    8: (9.0, 9.0, 7.0, 8.0, 1.0),
}


@pytest.mark.parametrize("lived_from", [0, 1, 4, 8], ids=lambda minute: f"started in minute {minute}")
def test_klines_of_a_replay_give_back_the_file(scene: Build, tmp_path: Path, lived_from: int):
    plan = write_candles(tmp_path, REPLAYED, START)
    one = scene(plan, start_us=START + lived_from * MINUTE_US)
    one.run((9 - lived_from) * MINUTE_US - 1)
    rows = one.market.klines("ABCUSDT", Interval.M1, limit=1000)
    got = {
        (row.open_ms * 1000 - START) // MINUTE_US: tuple(value / 1e8 for value in row[1:6])  # open to volume
        for row in rows
    }
    assert got == REPLAYED


@pytest.mark.skipif(not REAL.is_dir(), reason="real market data is not here")
@pytest.mark.parametrize(
    "skipped", [6100, 40_600], ids=["over the outage of April 2021", "through the crash of May 2021"]
)
def test_klines_of_a_real_replay_give_back_the_file_through_the_engine(scene: Build, skipped: int):
    path = REAL / "crash-2021-05" / "binance-BTCUSDT-1m-2021_05.parquet"
    table = read_market_file(path)
    wanted = slice(skipped, skipped + 300)
    one = scene(usual_symbol("BTC", "USDT", [path]), start_us=int(table.open_us[skipped]))
    one.run(int(table.open_us[skipped + 300] - table.open_us[skipped]) - 1)
    start_ms = int(table.open_us[skipped]) // 1000
    rows = one.market.klines("BTCUSDT", Interval.M1, start_ms=start_ms, limit=1000)
    assert [row.open_ms * 1000 for row in rows] == table.open_us[wanted].tolist()
    assert [[value / 1e8 for value in row[1:5]] for row in rows] == table.prices[wanted].tolist()
    assert [row.volume / 1e8 for row in rows] == table.volume[wanted].tolist()


def test_in_a_hole_of_the_file_the_house_leaves_and_others_stay(scene: Build, tmp_path: Path):
    one = scene(write_candles(tmp_path, REPLAYED, START), start_us=START)
    one.run(3 * MINUTE_US)
    one.place("ABCUSDT", 5 * 10**8, 10**8, buy=True)
    one.run(2 * MINUTE_US)
    assert both_sides(one) == {"ABCUSDT": ([(5 * 10**8, 10**8)], [])}
    one.run(3 * MINUTE_US)
    assert one.best("ABCUSDT", buy=True) > 5 * 10**8
    one.run(HOUR_US)
    assert both_sides(one) == {"ABCUSDT": ([(5 * 10**8, 10**8)], [])}
    assert one.market.klines("ABCUSDT", Interval.M1)[-1].open_ms * 1000 == START + 8 * MINUTE_US


def test_the_ticker_covers_the_last_day_and_the_average_five_minutes(scene: Build):
    one = scene("BTC")
    one.run(2 * HOUR_US + 17 * SECOND_US)
    market = one.market
    ticker = market.ticker("BTCUSDT")
    minutes = market.klines("BTCUSDT", Interval.M1, limit=1000)
    day = market.klines("BTCUSDT", Interval.M1, limit=440, end_ms=minutes[0].open_ms - 1) + minutes
    assert len(day) == 1440
    assert (ticker.open, ticker.last) == (day[0].open, day[-1].close)
    assert ticker.high == max(row.high for row in day)
    assert ticker.low == min(row.low for row in day)
    assert ticker.volume == sum(row.volume for row in day)
    assert ticker.quote_volume == sum(row.quote_volume for row in day)
    assert ticker.count == sum(row.trades for row in day)
    assert ticker.last == one.trades[-1].price
    assert (ticker.first_id, ticker.last_id) == (1, len(one.trades))
    assert float(ticker.change_percent) == pytest.approx(100 * ticker.change / ticker.open, abs=6e-4)
    young = [trade for trade in one.trades if trade.time_us >= one.clock.now_us() // 10**6 * 10**6 - 299 * 10**6]
    amount = sum(trade.quantity for trade in young)
    expected = sum(trade.price * trade.quantity for trade in young) / amount
    assert market.avg_price("BTCUSDT").price == pytest.approx(expected, rel=1e-6)


def test_aggregate_trades_hold_one_takers_trades_at_one_price(scene: Build):
    one = scene("BTC")
    one.run(MINUTE_US)
    bid, ask = (one.best("BTCUSDT", buy=buy) for buy in (True, False))
    assert ask > bid + 10**6
    for _ in range(2):
        one.place("BTCUSDT", ask - 10**6, 5 * 10**4, buy=False)
    one.place("BTCUSDT", ask, 12 * 10**4, buy=True, ioc=True)
    two = one.market.agg_trades("BTCUSDT", limit=2)
    assert [(row.price, row.quantity, row.last_id - row.first_id) for row in two] == [
        (ask - 10**6, 10**5, 1),
        (ask, 2 * 10**4, 0),
    ]
    assert not two[0].is_buyer_maker
    assert one.market.agg_trades("BTCUSDT", from_id=two[0].agg_id, limit=1) == two[:1]
    singles = one.market.trades("BTCUSDT", limit=3)
    assert one.market.trades("BTCUSDT", from_id=singles[0].trade_id, limit=2) == singles[:2]


def test_while_a_symbol_is_halted_nothing_prints_and_afterwards_it_goes_on(scene: Build):
    one = scene("BTC")
    one.run(MINUTE_US)
    before = len(one.trades)
    one.exchange.set_status("BTCUSDT", SymbolStatus.HALT)
    one.run(10 * MINUTE_US)
    assert len(one.trades) == before
    one.exchange.set_status("BTCUSDT", SymbolStatus.TRADING)
    one.run(MINUTE_US)
    assert len(one.trades) - before == pytest.approx(20, abs=2)
    halted = one.market.klines("BTCUSDT", Interval.M1, limit=5)[1]
    assert (halted.volume, halted.open) == (0, halted.close)


def test_a_tick_and_a_step_that_grow_coarser_while_trading_do_not_stop_the_house(scene: Build):
    one = scene("BTC")
    one.run(MINUTE_US)
    one.exchange.set_filters("BTCUSDT", tick_size=10**9, step_size=10**5, min_qty=10**5)
    before = len(one.trades)
    one.run(10 * MINUTE_US)
    later = one.trades[before:]
    assert len(later) >= 199
    assert all(trade.quantity % 10**5 == 0 for trade in later)
    assert sum(trade.price % 10**9 == 0 for trade in later) > len(later) * 0.9  # the rest met quotes from before
    assert one.best("BTCUSDT", buy=True) < one.best("BTCUSDT", buy=False)


def test_a_symbol_that_is_removed_prints_no_more(scene: Build):
    one = scene("BTC", "ETH")
    one.run(MINUTE_US)
    one.exchange.remove_symbol("BTCUSDT")
    before = len(one.trades)
    one.run(MINUTE_US)
    assert {trade.symbol for trade in one.trades[before:]} == {"ETHUSDT"}


def test_the_ledger_agrees_with_all_balances_after_an_hour_of_trading(scene: Build):
    one = scene("BTC", "ETH")
    for _ in range(12):
        one.run(5 * MINUTE_US)
        one.place("BTCUSDT", one.best("BTCUSDT", buy=False), 10**7, buy=True)
        one.place("ETHUSDT", one.best("ETHUSDT", buy=True), 10**8, buy=False)
    one.exchange.oracle.check()


@pytest.mark.parametrize(
    ("instrument", "sentence"),
    [
        pytest.param(spot_instrument("DOGE", "USDT"), "DOGEUSDT is listed but", id="no prices"),
        pytest.param(spot_instrument("BTC", "USDT", step=10**5), "its prices lie on", id="another grid"),
    ],
)
def test_a_market_refuses_symbols_that_it_cannot_trade(instrument: Instrument, sentence: str):
    plan = MarketPlan(start_us=10**15, seed=1, symbols=(SymbolPlan(symbol="BTCUSDT", grid=Grid(10**6, 10**3)),))
    with pytest.raises(ValueError, match=sentence):
        Exchange(VirtualClock(10**15, 0), SimulatedMarket(plan), [instrument])


@pytest.mark.parametrize("percent", [5, -5])
def test_a_spike_displaces_the_price_and_fades(scene: Build, percent: int):
    quiet, hit = scene("BTC"), scene("BTC")
    for one in (quiet, hit):
        one.run(MINUTE_US)
    hit.exchange.spike("BTCUSDT", percent)
    gaps = []
    for seconds in (6, 60, 600):
        for one in (quiet, hit):
            one.run(seconds * SECOND_US)
        gaps.append(hit.best("BTCUSDT", buy=True) / quiet.best("BTCUSDT", buy=True) - 1)
    assert abs(gaps[0]) > 0.04
    assert abs(gaps[0]) > abs(gaps[1]) > abs(gaps[2])
    assert gaps[0] * percent > 0
    with pytest.raises(ValueError, match="leaves no price"):
        hit.exchange.spike("BTCUSDT", -100)


def test_times_bound_aggregate_trades_on_both_sides(scene: Build):
    one = scene("BTC")
    one.run(10 * MINUTE_US)
    trades = one.trades
    begin, end = trades[50].time_us // 1000, trades[60].time_us // 1000
    rows = one.market.agg_trades("BTCUSDT", start_ms=begin, end_ms=end)
    assert [row.first_id for row in rows] == [trade.trade_id for trade in trades[50:61]]
    assert one.market.agg_trades("BTCUSDT", end_ms=end, limit=3) == rows[-3:]


def test_a_plan_survives_being_written_down():
    plan = MarketPlan(start_us=5, seed=3, symbols=(SymbolPlan(symbol="A", grid=Grid(10**6, 10**3), files=("x.csv",)),))
    assert MarketPlan.from_values(orjson.loads(orjson.dumps(plan.as_values()))) == plan


def test_a_usual_symbol_takes_its_grid_from_its_price_or_from_its_files(tmp_path: Path):
    assert usual_symbol("BTC", "USDT").grid == Grid(10**6, 10**3)
    assert usual_symbol("ETH", "BTC").price == pytest.approx(0.05)
    written = write_candles(tmp_path, REPLAYED, START)
    replayed = usual_symbol("ABC", "USDT", [Path(name) for name in written.files])
    assert replayed == replace(written, grid=Grid(10**7, 10**6))


@pytest.mark.parametrize("base", ["BTC", "ETH", "SOL", "XRP", "DOGE", "PEPE", "NEVERHEARD"])
def test_a_usual_grid_shows_a_price_finely_enough(base: str):
    price = usual_price(base, "USDT")
    grid = usual_grid(price)
    assert grid.tick / 1e8 / price < 2e-3
    assert grid.step / 1e8 * price <= 10
