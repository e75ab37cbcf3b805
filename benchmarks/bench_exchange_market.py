"""The exchange's market: how many symbols one core carries, klines per second, and memory per symbol.

Each figure stands beside a baseline of the same run, so that numbers of different machines compare:
`python benchmarks/bench_exchange_market.py`
"""

import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from exchange_simulator.engine.book import Book
from exchange_simulator.engine.engine import Engine
from exchange_simulator.engine.instrument import spot_instrument
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.market.intervals import DAY_US, MINUTE_US, Interval
from exchange_simulator.market.market import Market
from exchange_simulator.market.plan import MarketPlan, SymbolPlan, usual_grid
from exchange_simulator.market.venue import EngineVenue

START_US = 1_760_000_000_000_000
PRICE = 250.0


def built(symbols: int) -> tuple[Market, EngineVenue, VirtualClock]:
    grid = usual_grid(PRICE)
    plans = tuple(SymbolPlan(symbol=f"S{number}USDT", grid=grid, price=PRICE) for number in range(symbols))
    clock = VirtualClock(START_US, 0)
    engine = Engine(clock.now_us)
    for plan in plans:
        base = plan.symbol.removesuffix("USDT")
        engine.desk.books[plan.symbol] = Book(spot_instrument(base, "USDT", tick=grid.tick, step=grid.step))
    market = Market(MarketPlan(start_us=START_US, seed=1, symbols=plans), clock)
    engine.desk.listeners.append(market.on_event)
    return market, EngineVenue(engine), clock


def seconds_of(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def baseline_operations_per_second() -> float:
    """Put, look up and delete in a dict: what a machine does in an instant."""
    book: dict[int, int] = {}

    def work() -> None:
        for number in range(1_000_000):
            book[number & 1023] = number
            if book.get(number & 511) is not None and number & 1:
                del book[number & 511]

    return 1_000_000 / seconds_of(work)


def report(name: str, value: float, unit: str, baseline: float) -> None:
    print(f"{name:<44}{value:>12,.0f} {unit:<34}{value / baseline:>12.2e} of baseline")


def main() -> None:
    baseline = baseline_operations_per_second()
    print(f"{'baseline: dict operations':<44}{baseline:>12,.0f} per CPU second")
    for symbols in (1, 10, 300):
        market, venue, clock = built(symbols)
        market.advance(venue, clock.now_us())
        minutes = max(300 // symbols, 2)
        spent = seconds_of(lambda: market.advance(venue, clock.advance_by(minutes * MINUTE_US)))  # noqa: B023
        report(f"live, {symbols} symbols", symbols * minutes / spent, "symbol minutes per CPU second", baseline)
    market, venue, clock = built(1)
    market.advance(venue, clock.advance_by(30 * MINUTE_US))
    for interval, rounds in ((Interval.S1, 50), (Interval.M1, 300), (Interval.H1, 300), (Interval.D1, 300)):
        first = seconds_of(lambda: market.klines("S0USDT", interval, limit=500))  # noqa: B023
        spent = seconds_of(lambda: [market.klines("S0USDT", interval, limit=500) for _ in range(rounds)])  # noqa: B023
        report(f"klines {interval}, 500 rows", rounds / spent, "queries per CPU second", baseline)
        print(f"{'':<44}{first * 1000:>12,.0f} ms for the first query")
    report_memory()


def report_memory() -> None:
    row = sys.getsizeof(np.empty(1440 * 11, np.int64))
    for minutes, name in ((0, "at the start"), (60, "after an hour")):
        tracemalloc.start()
        market, venue, clock = built(20)
        market.advance(venue, clock.advance_by(minutes * MINUTE_US))
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        report(f"memory per symbol {name}", used / 20 / 1024, "kB (baseline: a day of minutes)", row / 1024)
    assert market.next_event_us < START_US + DAY_US


if __name__ == "__main__":
    main()
