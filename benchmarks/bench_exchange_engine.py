"""How many orders per second pass the exchange's engine alone, on one core.

    python benchmarks/bench_exchange_engine.py [--operations 200000]

The mix: 50 % resting limit orders, 20 % orders that take, 30 % cancels, by two customers around one price. The script
of requests is made beforehand; placing and canceling is what is timed. Measured with nobody listening, with journal and
oracle listening, and against a baseline in the same run: the dict and heap operations that a bare queue of the same
orders needs, without money, rules, ids or events.
"""

import argparse
import gc
import heapq
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from exchange_simulator.engine.account import Account, Balance
from exchange_simulator.engine.book import Book
from exchange_simulator.engine.engine import Engine
from exchange_simulator.engine.instrument import spot_instrument
from exchange_simulator.engine.journal import Journal
from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.engine.oracle import Oracle
from exchange_simulator.engine.orders import OrderRequest, OrderType, Side, TimeInForce
from exchange_simulator.server.serve import spare_the_collector

REST, TAKE, CANCEL = 0, 1, 2
SYMBOL = "BTCUSDT"
LEVELS = 200
RIVALS = 2
Step = tuple[int, int, OrderRequest]


def script(operations: int, seed: int = 7) -> list[Step]:
    """What is done: kind of operation, which customer, and the order."""
    random = np.random.Generator(np.random.PCG64(seed))
    kinds = random.choice((REST, TAKE, CANCEL), operations, p=(0.5, 0.2, 0.3)).tolist()
    distances = random.integers(1, LEVELS, operations).tolist()
    sizes = random.integers(1, 10, operations).tolist()
    buys = random.integers(0, 2, operations).tolist()
    steps = []
    for number, (kind, distance, size, buy) in enumerate(zip(kinds, distances, sizes, buys, strict=True)):
        away = distance if kind == REST else -LEVELS
        request = OrderRequest(
            symbol=SYMBOL,
            side=Side.BUY if buy else Side.SELL,
            type=OrderType.LIMIT,
            quantity=size * SCALE // 100,
            price=(6_000_000 + (-away if buy else away)) * SCALE // 100,
            time_in_force=TimeInForce.GTC if kind == REST else TimeInForce.IOC,
        )
        steps.append((kind, number % RIVALS, request))
    return steps


def open_engine(*, listening: bool) -> tuple[Engine, list[Account]]:
    """An engine with one symbol and wealthy customers, without limits on the number of orders."""
    engine = Engine(count(1).__next__)
    engine.desk.books[SYMBOL] = Book(replace(spot_instrument("BTC", "USDT"), max_orders=0))
    if listening:
        engine.desk.listeners += [Oracle(engine.desk).on_event, Journal(count(1).__next__).on_event]
    customers = [
        Account(f"customer-{n}", [], {asset: Balance(10**9 * SCALE) for asset in ("BTC", "USDT")})
        for n in range(RIVALS)
    ]
    engine.desk.accounts.update({account.name: account for account in customers})
    return engine, customers


def run_engine(steps: Sequence[Step], *, listening: bool) -> None:
    """Carry the script out; a cancel takes the customer's oldest open order."""
    engine, customers = open_engine(listening=listening)
    resting = [customer.open.setdefault(SYMBOL, {}) for customer in customers]
    for kind, who, request in steps:
        if kind != CANCEL:
            engine.place(customers[who], request)
        elif resting[who]:
            engine.cancel(customers[who], SYMBOL, order_id=next(iter(resting[who])))


def run_baseline(steps: Sequence[Step]) -> None:
    """Push, pop and delete the same orders in two heaps and a dict, and nothing else."""
    heaps: dict[Side, list[tuple[int, int]]] = {Side.BUY: [], Side.SELL: []}
    opposite = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
    alive: dict[int, OrderRequest] = {}
    for number, (kind, _, request) in enumerate(steps):
        if kind == REST:
            price = request.price or 0
            heapq.heappush(heaps[request.side], (-price if request.side is Side.BUY else price, number))
            alive[number] = request
        elif kind == TAKE:
            heap = heaps[opposite[request.side]]
            while heap:
                if alive.pop(heapq.heappop(heap)[1], None) is not None:
                    break
        elif alive:
            del alive[next(iter(alive))]


def rate(run: Callable[[], None], operations: int, repeats: int) -> float:
    """Operations per second of CPU time, the best of `repeats`; what else the machine does counts little."""
    best = float("inf")
    for _ in range(repeats):
        gc.collect()
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
    return operations / best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="orders per second through the exchange's engine")
    parser.add_argument("--operations", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=3)
    wanted = parser.parse_args()
    steps = script(wanted.operations)
    spare_the_collector()  # as `keel exchange` does
    runs: dict[str, Callable[[], None]] = {
        "baseline (dict and heap only)": lambda: run_baseline(steps),
        "engine, nobody listening": lambda: run_engine(steps, listening=False),
        "engine, journal and oracle": lambda: run_engine(steps, listening=True),
    }
    baseline = 0.0
    for name, run in runs.items():
        measured = rate(run, wanted.operations, wanted.repeats)
        baseline = baseline or measured
        print(f"{name:<32}{measured:>12,.0f} /s   {measured / baseline:6.3f} of the baseline")


if __name__ == "__main__":
    main()
