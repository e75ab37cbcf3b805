"""A fault rule: which occasions it matches and how often it strikes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase

from exchange_simulator.server.faults.kinds import KINDS, FaultKind, Phase


class BadRuleError(ValueError):
    """A rule that cannot be; the message says which value is wrong and which are possible."""


@dataclass(slots=True)
class Rule:
    """One fault asked for.

    Attributes:
        kind: What goes wrong (`kinds.KINDS`).
        method: Glob of the HTTP method, of the WebSocket API method, or of the frame's method.
        path: Glob of the REST path, the WebSocket API method, the socket's path or the stream's name.
        symbol: Only requests for this symbol; empty for all.
        nth: Strike from the nth match on; 1 is the first.
        probability: Chance that a match strikes, drawn from the board's seeded generator.
        count: Strikes until the rule is spent; None for no end.
        phase: Before or after the request is carried out.
        at_ms: World faults: the exchange's time at which it strikes; None for at once or on a match.
        args: The kind's arguments, complete.
        id: Given by the board.
    """

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    symbol: str = ""
    nth: int = 1
    probability: float = 1.0
    count: int | None = 1
    phase: Phase = Phase.AFTER
    at_ms: int | None = None
    args: dict[str, object] = field(default_factory=dict)
    id: int = 0
    seen: int = 0
    fired: int = 0

    @property
    def spent(self) -> bool:
        """Whether the rule has struck as often as it may."""
        return self.count is not None and self.fired >= self.count

    @property
    def waits_for_a_match(self) -> bool:
        """Whether a world fault was asked for with a condition, so that it does not strike at once."""
        return (self.method, self.path, self.symbol) != ("*", "*", "") or self.nth > 1 or self.probability < 1

    def matches(self, method: str, path: str, symbol: str) -> bool:
        """Say whether an occasion is of the kind that this rule waits for."""
        if self.symbol and self.symbol != symbol:
            return False
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)

    def number(self, name: str) -> float:
        """Return a numeric argument."""
        return float(str(self.args[name]))

    def text(self, name: str) -> str:
        """Return an argument as text."""
        return str(self.args[name])

    def as_json(self) -> dict[str, object]:
        """Return the rule as the admin port shows it."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return plain | {"kind": self.kind.name, "phase": self.phase.value}


_MATCH_TYPES: Mapping[str, tuple[type, ...]] = {
    "method": (str,),
    "path": (str,),
    "symbol": (str,),
    "nth": (int,),
    "probability": (int, float),
    "count": (int, type(None)),
    "at_ms": (int, type(None)),
}


def make_rule(kind: str, **settings: object) -> Rule:
    """Build a rule from plain values: the matching fields of `Rule`, and the kind's own arguments beside them.

    An argument with the name of a matching field (`symbol` of `halt`) is the argument.

    Raises:
        BadRuleError: an unknown kind or setting, a missing argument, or a value of the wrong type.
    """
    if kind not in KINDS:
        raise BadRuleError(f"no fault is called {kind!r}; there are: {', '.join(sorted(KINDS))}")
    spec = KINDS[kind]
    rule = Rule(spec, phase=spec.phase, args=dict(spec.arguments))
    for name, value in settings.items():
        if name in spec.arguments:
            rule.args[name] = value
        elif name == "phase":
            rule.phase = _phase(value)
        elif name in _MATCH_TYPES:
            _set_match(rule, name, value)
        else:
            known = ", ".join([*spec.arguments, "phase", *_MATCH_TYPES])
            raise BadRuleError(f"fault {kind!r} does not know {name!r}; it takes: {known}")
    lacking = [name for name, value in rule.args.items() if value is None]
    if lacking:
        raise BadRuleError(f"fault {kind!r} needs {', '.join(lacking)}")
    _check_numbers(rule)
    return rule


def _set_match(rule: Rule, name: str, value: object) -> None:
    allowed = _MATCH_TYPES[name]
    if not isinstance(value, allowed) or isinstance(value, bool):
        raise BadRuleError(f"{name} of a fault is {' or '.join(t.__name__ for t in allowed)}, not {value!r}")
    setattr(rule, name, value)


def _phase(value: object) -> Phase:
    try:
        return Phase(str(value))
    except ValueError:
        raise BadRuleError(f"phase of a fault is before or after, not {value!r}") from None


def _check_numbers(rule: Rule) -> None:
    if rule.nth < 1:
        raise BadRuleError(f"nth of a fault counts from 1, not {rule.nth}")
    if not 0 <= rule.probability <= 1:
        raise BadRuleError(f"probability of a fault lies between 0 and 1, not {rule.probability}")
    if rule.count is not None and rule.count < 1:
        raise BadRuleError(f"count of a fault is at least 1, or null for no end, not {rule.count}")
    for name, default in rule.kind.arguments.items():
        value = rule.args[name]
        if isinstance(default, int) and not isinstance(value, int | float):
            raise BadRuleError(f"{name} of fault {rule.kind.name!r} is a number, not {value!r}")
