from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange_simulator.server.faults.board import FaultBoard
from exchange_simulator.server.faults.kinds import KINDS, Occasion
from exchange_simulator.server.faults.rule import BadRuleError, Rule, make_rule


class Clock:
    now_us = 0


def board(seed: int = 1) -> tuple[FaultBoard, list[Rule], list[Rule], Clock]:
    recorded, struck, clock = [], [], Clock()
    made = FaultBoard(
        seed, now_us=lambda: clock.now_us, record=recorded.append, strike_now=struck.append, strike_later=struck.append
    )
    return made, recorded, struck, clock


def hits(faults: FaultBoard, number: int) -> list[bool]:
    return [bool(faults.strikes("POST", "/api/v3/order", "BTCUSDT", Occasion.REQUEST)) for _ in range(number)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param({}, [True, False, False, False], id="once unless told"),
        pytest.param({"nth": 3}, [False, False, True, False], id="the third"),
        pytest.param({"nth": 2, "count": 2}, [False, True, True, False], id="the second and third"),
        pytest.param({"count": None}, [True] * 4, id="without end"),
        pytest.param({"method": "GET"}, [False] * 4, id="other method"),
        pytest.param({"path": "/api/v3/o*"}, [True, False, False, False], id="path by glob"),
        pytest.param({"path": "/api/v3/account"}, [False] * 4, id="other path"),
        pytest.param({"symbol": "ETHUSDT"}, [False] * 4, id="other symbol"),
        pytest.param({"probability": 0.0, "count": None}, [False] * 4, id="no chance"),
    ],
)
def test_a_rule_strikes_where_it_matches(rule: dict[str, Any], expected: list[bool]):
    faults, recorded, _, _ = board()
    faults.add("reset", **rule)
    assert hits(faults, 4) == expected
    assert len(recorded) == sum(expected)


def test_the_same_seed_strikes_at_the_same_places_and_another_one_elsewhere():
    def draw(seed: int) -> list[bool]:
        faults = board(seed)[0]
        faults.add("reset", probability=0.5, count=None)
        return hits(faults, 64)

    assert draw(7) == draw(7)
    assert draw(7) != draw(8)
    assert 10 < sum(draw(7)) < 54


def test_a_removed_rule_strikes_no_more():
    faults = board()[0]
    rule = faults.add("reset", count=None)
    assert hits(faults, 1) == [True]
    assert faults.remove(rule.id)
    assert not faults.remove(rule.id)
    assert hits(faults, 1) == [False]


def test_a_world_fault_strikes_at_once_at_its_time_or_on_a_match():
    faults, _, struck, clock = board()
    faults.add("halt", symbol="BTCUSDT")
    assert [rule.kind.name for rule in struck] == ["halt"]
    faults.add("break", symbol="BTCUSDT", at_ms=5)
    faults.strike_due()
    assert len(struck) == 1
    clock.now_us = 5_000
    faults.strike_due()
    faults.strike_due()
    assert [rule.kind.name for rule in struck] == ["halt", "break"]
    faults.add("trading", symbol="BTCUSDT", path="/api/v3/order")
    assert len(struck) == 2
    assert [r.kind.name for r in faults.strikes("POST", "/api/v3/order", "", Occasion.WORLD)] == ["trading"]


@pytest.mark.parametrize(
    ("kind", "rule", "words"),
    [
        pytest.param("explode", {}, "no fault is called 'explode'", id="kind"),
        pytest.param("reset", {"speed": 1}, "does not know 'speed'", id="setting"),
        pytest.param("halt", {}, "needs symbol", id="argument"),
        pytest.param("reset", {"nth": 0}, "counts from 1", id="nth"),
        pytest.param("reset", {"nth": "x"}, "nth of a fault is int", id="type"),
        pytest.param("reset", {"nth": True}, "nth of a fault is int", id="bool is no number"),
        pytest.param("reset", {"probability": 2}, "between 0 and 1", id="probability"),
        pytest.param("reset", {"count": 0}, "at least 1", id="count"),
        pytest.param("reset", {"phase": "during"}, "before or after", id="phase"),
        pytest.param("delay", {"seconds": "long"}, "is a number", id="number"),
    ],
)
def test_a_bad_rule_is_refused_in_words(kind: str, rule: dict[str, Any], words: str):
    with pytest.raises(BadRuleError, match=words):
        make_rule(kind, **rule)


@given(
    kind=st.sampled_from(sorted(KINDS)),
    rule=st.dictionaries(
        st.sampled_from(["nth", "count", "probability", "path", "symbol", "seconds", "status", "junk", "at_ms"]),
        st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=5), st.booleans(), st.lists(st.integers())),
    ),
)
@settings(deadline=None)
def test_any_rule_is_taken_or_refused_never_a_crash(kind: str, rule: dict[str, Any]):
    try:
        made = make_rule(kind, **rule)
    except BadRuleError:
        return
    assert made.as_json()["kind"] == kind
