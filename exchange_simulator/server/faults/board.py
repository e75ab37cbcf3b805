"""The board of faults: which rules stand, and which of them strike now."""

from collections.abc import Callable

import numpy as np

from exchange_simulator.server.faults.kinds import Occasion
from exchange_simulator.server.faults.rule import Rule, make_rule

STANDING_FOR_REQUESTS = (Occasion.REQUEST, Occasion.READ, Occasion.WORLD)


class FaultBoard:
    """Holds the rules, counts their matches and draws their chances from a generator of its own.

    Args:
        seed: Seed of the draws; the same seed, rules and requests strike at the same places.
        now_us: The exchange's clock.
        record: Called with every strike, for the journal.
        strike_now: Carries out a world fault that is asked for at once; it may refuse with `BadRuleError`.
        strike_later: Carries out a world fault whose time has come; it may not refuse.
    """

    def __init__(
        self,
        seed: int,
        *,
        now_us: Callable[[], int],
        record: Callable[[Rule], None],
        strike_now: Callable[[Rule], None],
        strike_later: Callable[[Rule], None],
    ) -> None:
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._now_us = now_us
        self._record = record
        self._strike_now = strike_now
        self._strike_later = strike_later
        self._rules: dict[int, Rule] = {}
        self._last_id = 0
        self._standing: dict[Occasion, list[Rule]] = {}

    def add(self, kind: str, **settings: object) -> Rule:
        """Put up a rule. A world fault without time and condition strikes before this returns.

        Raises:
            BadRuleError: the rule cannot be (see `make_rule`).
        """
        return self.put(make_rule(kind, **settings))

    def put(self, rule: Rule) -> Rule:
        """Put up a rule that is already built."""
        self._last_id += 1
        rule.id = self._last_id
        if rule.kind.occasion is Occasion.WORLD and rule.at_ms is None and not rule.waits_for_a_match:
            self._strike_now(rule)
            self._strike(rule)
        self._rules[rule.id] = rule
        self._sort()
        return rule

    def remove(self, rule_id: int) -> bool:
        """Take a rule down and say whether it stood there."""
        found = self._rules.pop(rule_id, None) is not None
        self._sort()
        return found

    def clear(self) -> None:
        """Take all rules down."""
        self._rules.clear()
        self._sort()

    def rules(self) -> list[Rule]:
        """Return all rules, also the spent ones, oldest first."""
        return list(self._rules.values())

    def waiting(self, *occasions: Occasion) -> bool:
        """Say whether any rule waits for one of these occasions: the cheap question before `strikes`."""
        return any(occasion in self._standing for occasion in occasions)

    def strikes(self, method: str, path: str, symbol: str, *occasions: Occasion) -> list[Rule]:
        """Return the rules that strike at this occasion, in the order they were put up."""
        struck = [
            rule
            for occasion in occasions
            for rule in self._standing.get(occasion, ())
            if self._is_hit(rule, method, path, symbol)
        ]
        for rule in struck:
            self._strike(rule)
        if any(rule.spent for rule in struck):
            self._sort()
        return struck

    def strike_due(self) -> None:
        """Carry out the world faults whose time has come."""
        now_ms = self._now_us() // 1_000
        due = [r for r in self._rules.values() if r.at_ms is not None and r.at_ms <= now_ms and not r.spent]
        for rule in due:
            self._strike(rule)
            self._strike_later(rule)

    def _is_hit(self, rule: Rule, method: str, path: str, symbol: str) -> bool:
        if rule.at_ms is not None or not rule.matches(method, path, symbol):
            return False
        rule.seen += 1
        if rule.seen < rule.nth:
            return False
        return rule.probability >= 1 or float(self._random.random()) < rule.probability

    def _strike(self, rule: Rule) -> None:
        rule.fired += 1
        self._record(rule)

    def _sort(self) -> None:
        standing: dict[Occasion, list[Rule]] = {}
        for rule in self._rules.values():
            if not rule.spent:
                standing.setdefault(rule.kind.occasion, []).append(rule)
        self._standing = standing
