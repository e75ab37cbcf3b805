"""Strategies as they were before they saw a history, for the proof must ask one that has learned nothing from it.

A strategy may keep what it learned: in itself, in its class, in a module's variable or in a cache. What a run changed
there is found by comparing before and after; it is taken back while the proof asks, and put back afterwards.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy, deepcopy
from dataclasses import dataclass
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any, Final
from weakref import ref

from app.strategies.base import BaseStrategy
from app.strategies.blame import is_library

MOST_COMPARED: Final = 100_000  # elements of a container; of a longer one, only its length
_ABSENT: Final = object()
_PLAIN: Final = (int, float, complex, str, bytes, tuple, frozenset, type(None))
_OURS: Final = ("config", "_params")  # what `BaseStrategy` sets


@dataclass(slots=True)
class _Change:
    """A name that a run has bound anew, or whose container it has filled."""

    before: object
    contents: Any  # of a container, as they were
    after: object


class _Names:
    """The names of a class or a module, with what runs have changed in them."""

    def __init__(self, owner: "type | dict[str, Any]") -> None:
        self.owner = owner
        self.changes: dict[str, _Change] = {}
        self._seen: dict[str, tuple[object, Any]] = {}

    def look(self) -> None:
        """Remember everything, before a run; what a user has set since the last one is no longer a change."""
        now = self._values()
        self.changes = {name: one for name, one in self.changes.items() if now.get(name, _ABSENT) is one.after}
        self._seen = {name: (value, _contents(value)) for name, value in now.items()}

    def compare(self) -> None:
        """Note what a run has changed."""
        now = self._values()
        for name in now.keys() | self._seen.keys():
            before, contents = self._seen.get(name, (_ABSENT, None))
            after = now.get(name, _ABSENT)
            if after is not before or not _same(after, contents):
                known = self.changes.get(name)
                first = (known.before, known.contents) if known else (before, contents)
                self.changes[name] = _Change(*first, after)
        self._seen = {}

    def take_back(self) -> None:
        """Set everything that runs have changed to what it was before them, and empty caches."""
        for name, change in self.changes.items():
            self.put(name, change.before)
            _fill(change.before, change.contents)
        for value in self._values().values():
            if hasattr(value, "cache_clear") and hasattr(value, "cache_info"):  # of functools
                value.cache_clear()

    def put(self, name: str, value: object) -> None:
        """Bind a name, or drop it."""
        if isinstance(self.owner, dict):
            self.owner[name] = value
            if value is _ABSENT:
                del self.owner[name]
        elif value is not _ABSENT:
            setattr(self.owner, name, value)
        elif name in vars(self.owner):
            delattr(self.owner, name)

    def state(self) -> list[tuple[str, object, Any]]:
        """What the changed names hold now."""
        now = self._values()
        return [(name, now.get(name, _ABSENT), _contents(now.get(name))) for name in self.changes]

    def _values(self) -> dict[str, Any]:
        names = self.owner if isinstance(self.owner, dict) else vars(self.owner)
        return {name: value for name, value in names.items() if not name.startswith("__")}


_NAMES: Final[dict[int, _Names]] = {}  # by identity of their owners, which they keep alive
_OWN: Final[dict[int, tuple["ref[BaseStrategy]", dict[str, tuple[object, object]]]]] = {}  # attribute: before, after


class Untaught:
    """Makes strategies like one that has not run yet.

    Args:
        strategy: Before a run; call `learned` after it.
    """

    def __init__(self, strategy: BaseStrategy) -> None:
        self._strategy = strategy
        self._names = list(_names_of(type(strategy)))
        for names in self._names:
            names.look()
        known = _OWN.get(id(strategy))
        self._own = known[1] if known and known[0]() is strategy else {}
        self._before = dict(vars(strategy))
        self._twin = _twin(strategy, self._own) if self._before.keys() - set(_OURS) else None

    def learned(self) -> None:
        """The strategy has run: note what that changed."""
        for names in self._names:
            names.compare()
        now = vars(self._strategy)
        changed = {
            name: (self._own.get(name, (self._before.get(name, _ABSENT),))[0], value)
            for name, value in now.items()
            if self._before.get(name, _ABSENT) is not value
        }
        if changed or self._own:
            _OWN[id(self._strategy)] = (ref(self._strategy), self._own | changed)

    @contextmanager
    def maker(self) -> "Iterator[Callable[[], BaseStrategy]]":
        """Gives a function that makes such strategies; at the end everything is as the run has left it."""
        make = self._make()

        def fresh() -> BaseStrategy:
            for names in self._names:
                names.take_back()
            return make()

        states = [names.state() for names in self._names]
        try:
            yield fresh
        finally:
            for names, state in zip(self._names, states, strict=True):
                for name, value, contents in state:
                    names.put(name, value)
                    _fill(value, contents)

    def _make(self) -> Callable[[], BaseStrategy]:
        """The constructor, unless the strategy was made or changed in another way."""
        strategy, twin = self._strategy, self._twin
        try:
            made = type(strategy)(strategy.config)
        except Exception:  # noqa: BLE001  a user's class may want other arguments
            return lambda: strategy if twin is None else _twin(twin, {})
        if twin is None or _alike(vars(made), vars(twin)):
            return lambda: type(strategy)(strategy.config)
        return lambda: _twin(twin, {})


def _names_of(kind: type) -> Iterator[_Names]:
    """Those of its classes, of their modules and the user's modules that these import, and of the functions there."""
    owners: dict[int, type | dict[str, Any]] = {}
    functions: list[FunctionType] = []
    for one in kind.__mro__:
        if _is_ours(one.__module__):
            continue
        owners[id(one)] = one
        members = (getattr(member, "fget", getattr(member, "__func__", member)) for member in vars(one).values())
        functions += [member for member in members if isinstance(member, FunctionType)]
    modules = {id(function.__globals__): function.__globals__ for function in functions}
    for value in [value for variables in list(modules.values()) for value in variables.values()]:
        if isinstance(value, ModuleType) and not is_library(getattr(value, "__file__", None) or ""):
            modules[id(vars(value))] = vars(value)
        elif isinstance(value, FunctionType) and not is_library(value.__code__.co_filename):
            modules[id(value.__globals__)] = value.__globals__
            functions.append(value)
    owners |= {key: names for key, names in modules.items() if not _is_ours(names.get("__name__", ""))}
    for function in functions:
        if not _is_ours(function.__module__):
            owners[id(vars(function))] = vars(function)
            defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
            if containers := [value for value in defaults if isinstance(value, dict | list | set)]:
                owners[id(function)] = {f"default {place}": value for place, value in enumerate(containers)}
    for key, owner in owners.items():
        yield _NAMES.setdefault(key, _Names(owner))


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"app", "abc", "builtins", "typing"}


def _twin(strategy: BaseStrategy, own: dict[str, tuple[object, object]]) -> BaseStrategy:
    """A copy that shares no attribute with the strategy, without what its runs have added or replaced."""
    twin = copy(strategy)
    memo: dict[int, Any] = {}
    for name, now in list(vars(twin).items()):
        before, after = own.get(name, (now, _ABSENT))
        value = before if now is after else now
        if value is _ABSENT:
            del vars(twin)[name]
        elif not isinstance(value, MappingProxyType):
            vars(twin)[name] = value
            with suppress(Exception):  # locks, open files and the like cannot be copied
                vars(twin)[name] = deepcopy(value, memo)
    return twin


def _alike(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether two strategies of a kind were made with the same arguments, as far as that shows."""
    if left.keys() != right.keys():
        return False
    for name in left.keys() - set(_OURS):
        one, other = left[name], right[name]
        if type(one) is not type(other) or (isinstance(one, _PLAIN) and repr(one) != repr(other)):
            return False
    return True


def _contents(value: object) -> Any:  # noqa: ANN401  of a user's container
    if isinstance(value, dict | list | set):
        return len(value) if len(value) > MOST_COMPARED else copy(value)
    return None


def _same(value: object, contents: Any) -> bool:  # noqa: ANN401  as above
    """Whether a container holds the very things that it held."""
    if not isinstance(value, dict | list | set) or contents is None:
        return True
    if isinstance(contents, int):
        return len(value) == contents
    if len(value) != len(contents):
        return False
    if isinstance(value, dict):
        return all(key in contents and contents[key] is one for key, one in value.items())
    if isinstance(value, list):
        return all(one is other for one, other in zip(value, contents, strict=True))
    return bool(value == contents)


def _fill(value: object, contents: Any) -> None:  # noqa: ANN401  as above
    """Give a container its contents back; a long one stays as it is."""
    if isinstance(contents, int) or contents is None or _same(value, contents):
        return
    if isinstance(value, list):
        value[:] = contents
    elif isinstance(value, dict | set):
        value.clear()
        value.update(contents)
