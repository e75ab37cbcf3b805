"""Which runs there are: every point of an order's life one by one, every point of a recovery, every fault at random."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.chaos.case import Case, Kill, Result
from app.chaos.faults import FAULTS, GUARDED, LOST, NONE, RESTING, UNPLACED, Fault
from app.chaos.report import missed
from app.chaos.sabotage import SABOTAGES
from app.chaos.suite import run_suite

KILLS: Final = 7  # in a run with a fault
ROUNDS: Final = 2  # runs for each fault
IN_A_ROW: Final = 5  # kills in a run of the enumeration
REFERENCE_POINTS: Final = 400  # more than a purchase and its sale have
LONGEST_MOMENT_S: Final = 0.6
MOMENTS: Final = 0.15  # share of kills that come at a moment, not at a point
ORDERS: Final = 0.5  # share of kills that come while an order is written, sent and booked
ORDER_BEGINS: Final = "sequences"  # the commit with the number of an order's client id
ORDER_UNREAD: Final = "POST /api/v3/order: unread"
PROTECTION_BEGINS: Final = (ORDER_BEGINS, "orderList/oco: unsent", "DELETE /api/v3/orderList: unsent")
ORDER_POINTS: Final = 30  # from there to the point at which everything about the order is recorded


def life_of_an_order(points: Sequence[str]) -> int:
    """How many points a life passes from birth until it has slept after its second order (a purchase and its sale)."""
    orders = 0
    for number, label in enumerate(points, 1):
        orders += label == "POST /api/v3/order: read"
        if orders >= 2 and label == "asleep":
            return number
    return len(points)


def all_cases(seed: int) -> list[Case]:
    """The whole suite. A bot that nobody kills shows first which points there are."""
    market, limit, guarded = reference_lives(seed)
    return [
        *enumeration("every point", NONE, market, seed),
        *enumeration("every point, limit orders", RESTING, limit, seed),
        *enumeration("every point, stop and target", GUARDED, guarded, seed),
        *recoveries("every point of a recovery", NONE, market, seed),
        *schedule(seed, span=life_of_an_order(market)),
    ]


def reference_lives(seed: int) -> list[list[str]]:
    """The points that a bot passes which is killed late: with market orders, limit orders, stop and target."""
    cases = [
        _case("reference", fault, seed, number, [Kill(REFERENCE_POINTS)])
        for number, fault in enumerate((NONE, RESTING, GUARDED))
    ]
    return [result.first_life for result in run_suite(cases, jobs=1)]


def proofs() -> list[Case]:
    """For each sabotage a run in which the bot must be found out, whatever is drawn."""
    return [
        replace(proof_without(sabotage.fault), name=f"proof/{name}", sabotage=name)
        for name, sabotage in SABOTAGES.items()
    ]


def proof_without(fault: str) -> Case:
    """The same run with a bot that makes no mistake: it is killed with the answer to its first order unread."""
    under = {one.name: one for one in (LOST, GUARDED, UNPLACED)}.get(fault, NONE)
    seed = 2 if under is UNPLACED else 1  # without coins of others
    return Case(f"proof/{fault}", under, (Kill(1, since=ORDER_UNREAD),), seed=seed)


def enumeration(name: str, fault: Fault, points: Sequence[str], seed: int) -> list[Case]:
    """A kill at every point of an order's life, in runs of a few kills."""
    last = life_of_an_order(points)
    stride = -(-last // IN_A_ROW)
    return [
        _case(name, fault, seed, number, [Kill(at) for at in range(number, last + 1, stride)])
        for number in range(1, stride + 1)
    ]


def recoveries(name: str, fault: Fault, points: Sequence[str], seed: int) -> list[Case]:
    """A kill with an order's answer unread, then one at every point of the life that has to find out about it."""
    lost = points.index(ORDER_UNREAD) + 1
    stride = -(-lost // IN_A_ROW)
    pairs = [(Kill(lost), Kill(at)) for at in range(1, lost + 1)]
    return [
        _case(name, fault, seed, number, [kill for pair in pairs[number - 1 :: stride] for kill in pair])
        for number in range(1, stride + 1)
    ]


def remainder(results: Sequence[Result], cases: Sequence[Case]) -> list[Case]:
    """A kill at each point that was passed and at which nobody was killed yet, in the run that led there first."""
    by_name = {case.name: case for case in cases}
    rest = []
    for number, label in enumerate(missed(results), 1):
        led_there = next(result for result in results if label in result.passed)
        case = by_name[led_there.name]
        kills = (*case.kills[: led_there.passed[label]], Kill(1, since=label))
        rest.append(replace(case, name=f"remaining points/{number}", kills=kills))
    return rest


def schedule(seed: int, *, span: int, rounds: int = ROUNDS, faults: Sequence[Fault] = FAULTS) -> list[Case]:
    """Runs with every fault, killed at points and moments drawn from the seed."""
    cases = []
    for number in range(1, rounds + 1):
        for fault in faults:
            chance = random.Random(f"{seed}/{fault.name}/{number}")  # noqa: S311  # repeatable, not secret
            begins = PROTECTION_BEGINS if fault.has_stop else (ORDER_BEGINS,)
            kills = [_kill(chance, span, begins) for _ in range(KILLS)]
            case = _case(fault.name, fault, seed, number, kills)
            cases.append(case if fault.settings else replace(case, every=1))  # resting orders need time
    return cases


def _kill(chance: random.Random, span: int, begins: Sequence[str]) -> Kill:
    draw = chance.random()
    if draw < MOMENTS:
        return Kill(after_s=chance.uniform(0, LONGEST_MOMENT_S))
    if draw < MOMENTS + ORDERS:
        point = chance.randint(1, ORDER_POINTS)
        return Kill(point, since=begins[point % len(begins)])
    return Kill(chance.randint(1, span))


def _case(name: str, fault: Fault, seed: int, number: int, kills: Sequence[Kill]) -> Case:
    full = f"{name}/{number}"
    return Case(full, fault, tuple(kills), random.Random(f"{seed}/{full}").randrange(1, 1 << 30))  # noqa: S311
