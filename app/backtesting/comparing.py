"""Two results side by side: what they were made of, what they gave, and the trades that only one of them has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from app.backtesting.saving import Saved

KEY: Final = ["symbol", "side", "entry_time", "exit_time"]
NUMBERS: Final = ["entry_price", "exit_price", "quantity", "pnl"]
MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not the same: its dotted name and both values; None where one lacks it."""

    name: str
    left: object
    right: object


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What differs between two results.

    Attributes:
        made_of: Version, seed, settings, code and data.
        metrics: Figures.
        only_left: Trades that the other one lacks, or has with other prices or quantities.
        only_right: The reverse.
        shared: Trades that are the same to the last bit.
    """

    made_of: tuple[Change, ...]
    metrics: tuple[Change, ...]
    only_left: pd.DataFrame
    only_right: pd.DataFrame
    shared: int

    @property
    def same_numbers(self) -> bool:
        """Whether figures and trades are the same."""
        return not self.metrics and self.only_left.empty and self.only_right.empty

    def text(self, left: str = "A", right: str = "B") -> str:
        """For people."""
        lines = [*_listed("made of", self.made_of), *_listed("figures", self.metrics)]
        lines.append(f"trades: {self.shared:,} the same")
        for name, trades in ((left, self.only_left), (right, self.only_right)):
            lines += [f"  {len(trades):,} only in {name}"] if len(trades) else []
            for trade in trades.head(MOST_SHOWN).itertuples():
                times = f"{trade.entry_time:%Y-%m-%d %H:%M} to {trade.exit_time:%Y-%m-%d %H:%M}"
                lines.append(f"    {trade.symbol} {trade.side} {times}, {trade.pnl:+.2f} ({trade.exit_reason})")
            lines += [f"    and {len(trades) - MOST_SHOWN:,} more"] if len(trades) > MOST_SHOWN else []
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "same_numbers": self.same_numbers,
            "made_of": {change.name: [change.left, change.right] for change in self.made_of},
            "metrics": {change.name: [change.left, change.right] for change in self.metrics},
            "trades": {"same": self.shared, "only_in_a": len(self.only_left), "only_in_b": len(self.only_right)},
        }


def compare_results(left: Saved, right: Saved) -> Comparison:
    """Everything in which two results differ."""
    one, other = left.tables["trades"], right.tables["trades"]
    same = _rows(one).isin(_rows(other))
    return Comparison(
        made_of=tuple(_changes(_made_of(left.document), _made_of(right.document))),
        metrics=tuple(_changes(_flat(left.document["metrics"]), _flat(right.document["metrics"]))),
        only_left=one[~same.to_numpy()],
        only_right=other[~_rows(other).isin(_rows(one)).to_numpy()],
        shared=int(same.sum()),
    )


def _rows(trades: pd.DataFrame) -> "pd.Series[Any]":
    """Each trade as one value; numbers count to the last bit."""
    columns = [trades[name].astype(str) if name in KEY[:2] else trades[name] for name in KEY + NUMBERS]
    times = [pd.DatetimeIndex(column).as_unit("ms").asi8 if column.name in KEY[2:] else column for column in columns]
    return pd.Series(list(zip(*times, strict=True)), dtype=object)


def _made_of(document: Mapping[str, Any]) -> dict[str, object]:
    data = document["data"]
    facts: dict[str, object] = {"version": document["version"], "seed": document["seed"]}
    facts |= _flat({"settings": document["settings"], "code": document["code"]})
    facts |= {f"data.{key}": data[key] for key in ("start", "end")}
    for kind in ("certificates", "fine_certificates"):
        for symbol, certificate in data.get(kind, {}).items():
            name = f"data.{'fine.' * (kind != 'certificates')}{symbol}"
            facts |= {f"{name}.{key}": certificate[key] for key in ("timeframe", "candles", "sha256")}
    return facts


def _changes(left: Mapping[str, object], right: Mapping[str, object]) -> Iterator[Change]:
    for name in dict.fromkeys([*left, *right]):
        if left.get(name) != right.get(name):
            yield Change(name, left.get(name), right.get(name))


def _flat(section: Any, before: str = "") -> dict[str, object]:  # noqa: ANN401  whatever JSON holds
    """Nested objects and lists by dotted names."""
    if isinstance(section, Mapping):
        items = [(str(key), value) for key, value in section.items()]
    elif isinstance(section, list):
        items = [(_name_of(place, value), value) for place, value in enumerate(section)]
    else:
        return {before.rstrip("."): section}
    flat: dict[str, object] = {}
    for key, value in items:
        flat |= _flat(value, f"{before}{key}.")
    return flat


def _name_of(place: int, value: object) -> str:
    """A list's member by its own name, where it has one."""
    return str(value.get("name", place)) if isinstance(value, Mapping) else str(place)


def _listed(title: str, changes: tuple[Change, ...]) -> list[str]:
    if not changes:
        return [f"{title}: no difference"]
    width = max(len(change.name) for change in changes)
    rows = [f"  {change.name:<{width}}  {_shown(change.left)}  {_shown(change.right)}" for change in changes]
    return [f"{title}:", *rows]


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    return "none" if value is None else str(value)[:32]
