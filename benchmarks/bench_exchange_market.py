"""The exchange's market: how many symbols one core carries, klines per second, and memory per symbol.

Each figure stands beside a baseline of the same run, so that numbers of different machines compare:
`python benchmarks/bench_exchange_market.py`
"""

import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np

from exchange_simulator.engine.instrument import spot_instrument
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.market.intervals import MINUTE_US, Interval
from exchange_simulator.market.market import SimulatedMarket
from exchange_simulator.market.plan import MarketPlan, SymbolPlan, usual_grid

START_US = 1_760_000_000_000_000
PRICE = 250.0


def built(symbols: int) -> Exchange:
    grid = usual_grid(PRICE)
    bases = [f"S{number}" for number in range(symbols)]
    plans = tuple(SymbolPlan(symbol=f"{base}USDT", grid=grid, price=PRICE) for base in bases)
    market = SimulatedMarket(MarketPlan(start_us=START_US, seed=1, symbols=plans))
    instruments = [spot_instrument(base, "USDT", tick=grid.tick, step=grid.step) for base in bases]
    return Exchange(VirtualClock(START_US, 0), market, instruments)


def pass_minutes(exchange: Exchange, minutes: int) -> None:
    exchange.clock.advance_by(minutes * MINUTE_US)
    exchange.advance()


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
        exchange = built(symbols)
        exchange.advance()
        minutes = max(300 // symbols, 2)
        spent = seconds_of(partial(pass_minutes, exchange, minutes))
        report(f"live, {symbols} symbols", symbols * minutes / spent, "symbol minutes per CPU second", baseline)
    exchange = built(1)
    pass_minutes(exchange, 30)
    for interval in (Interval.S1, Interval.M1, Interval.H1, Interval.D1):
        query = partial(exchange.klines, "S0USDT", interval, limit=500)
        first = seconds_of(query)
        spent = seconds_of(partial(repeat, query, 300))
        report(f"klines {interval}, 500 rows", 300 / spent, "queries per CPU second", baseline)
        print(f"{'':<44}{first * 1000:>12,.0f} ms for the first query")
    report_memory()


def repeat(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()


def report_memory() -> None:
    row = sys.getsizeof(np.empty(1440 * 11, np.int64))
    for minutes, name in ((0, "at the start"), (60, "after an hour")):
        tracemalloc.start()
        exchange = built(20)
        pass_minutes(exchange, minutes)
        traces = tracemalloc.take_snapshot()
        tracemalloc.stop()
        journal = traces.filter_traces([tracemalloc.Filter(inclusive=True, filename_pattern="*/journal.py")])
        used = sum(trace.size for trace in traces.traces) - sum(trace.size for trace in journal.traces)
        report(f"memory per symbol {name}, no journal", used / 20 / 1024, "kB (baseline: a day of minutes)", row / 1024)


if __name__ == "__main__":
    main()
