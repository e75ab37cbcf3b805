"""What a causality proof came to, as a value, a sentence and JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final

from app.core.window import utc_minute


class Verdict(StrEnum):
    """How the signals of the history compare with those of the windows that the bot would have had."""

    CAUSAL = "causal"
    ROUNDING = "rounding decides"  # the past suffices, but two values that should be equal differ in their last bits
    WARM_UP_TOO_SHORT = "warm-up too short"  # more of the past would do
    FAILS_LIVE = "fails live"  # on no past that ends with the candle does the strategy give a signal
    MORE_THAN_CANDLES = "hangs on more than candles"  # on dates or on chance: what is looked up may be the future
    LOOKS_AHEAD = "looks ahead"  # no past would do: the future is in the signals
    UNPROVEN = "unproven"  # too few candles to cut anywhere


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """An indicator at one candle, in digits: over the whole history, and in the bot's window."""

    name: str
    history: str
    window: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One candle at which the bot would have had another signal.

    Attributes:
        time_ms: The candle's open time, ms UTC.
        history: The signal when the whole history is known.
        window: The signal in the bot's window; None when the strategy failed on it.
        columns: Indicators that differ.
        by_rounding: The indicators differ in their last bits only.
        failure: Why the strategy failed on the window.
        other_future: The signal when other candles follow the window, where nothing but that changes it.
        condition: What, besides other candles, changed the signal from `history` to `window`; empty for nothing.
    """

    time_ms: int
    history: int
    window: int | None
    columns: tuple[ColumnValues, ...]
    by_rounding: bool = False
    failure: str | None = None
    other_future: int | None = None
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Causality:
    """The verdict on one strategy and one history.

    Attributes:
        verdict: In one word.
        strategy: The class.
        window: How many candles the live bot sees.
        cuts: At how many candles signals were recomputed.
        trades: How many of them were trades' decisions.
        trades_in_all: How many trades there were; where all were examined, those that could be.
        run_alone: At how many of the cuts the strategy was given the bot's window and nothing else.
        differing: At how many of those the signal differed.
        first: The first of them, of those at which the window alone gives another signal if there are any.
        columns: Indicators that look ahead; with another verdict, those that differ without changing a signal.
        sufficient_window: A window with which a short warm-up would suffice; None when none was found.
    """

    verdict: Verdict
    strategy: str
    window: int
    cuts: int
    trades: int
    trades_in_all: int
    run_alone: int
    differing: int
    first: Difference | None
    columns: tuple[str, ...]
    sufficient_window: int | None

    @property
    def believable(self) -> bool:
        """Whether live trading would have had the same signals; `--strict` asks for it."""
        return self.verdict in {Verdict.CAUSAL, Verdict.ROUNDING}

    def head(self) -> str:
        """What a report begins with: `causal on 1,240 cuts`, or `LOOKS AHEAD` and the like."""
        if self.verdict is Verdict.UNPROVEN:
            return f"CAUSALITY UNPROVEN: no candle has the {self.window} candles without a hole that the bot would see"
        if self.verdict is Verdict.CAUSAL:
            return f"causal on {self.cuts:,} cuts"
        if self.verdict is Verdict.ROUNDING:
            return f"causal on {self.cuts:,} cuts, but rounding decides: {self._difference()}"
        return f"{self.verdict.value.upper()}: {self._difference()}"

    def text(self) -> str:
        """Head, what was examined, and what to do."""
        return f"{self.head()}\n{self._examined()}{self._remedy()}"

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return asdict(self) | {"verdict": self.verdict.value, "head": self.head(), "believable": self.believable}

    def _difference(self) -> str:
        if self.first is None:
            return "no difference"
        first = self.first
        if first.other_future is not None:
            when = utc_minute(first.time_ms)
            return f"at {when} the signal is {first.history:d}, and {first.other_future:d} when other candles follow"
        if first.condition:
            when, other = utc_minute(first.time_ms), f"and {first.window} {first.condition}"
            if first.window is None:
                other = f"and it fails {first.condition}: {first.failure}"
            return f"at {when} the signal is {first.history:d}, {other}"
        there = f"at {utc_minute(first.time_ms)} the whole history gives {first.history:d}"
        if first.window is None:
            return f"{there}, on the {self.window} candles that the bot sees the strategy fails: {first.failure}"
        values = "; ".join(f"{column.name} {column.history} against {column.window}" for column in first.columns)
        return (
            f"{there}, the {self.window} candles that the bot sees give {first.window:d}"
            f"{f' ({values})' if values else ''}; so at {self.differing:,} of {self.run_alone:,} candles"
        )

    def _examined(self) -> str:
        if self.verdict is Verdict.UNPROVEN:
            return "Give a longer history."
        every = self.trades == self.trades_in_all
        trades = f"{self.trades:,}" if every else f"{self.trades:,} of {self.trades_in_all:,}"
        return (
            f"Examined: {trades} decisions of trades, {self.cuts - self.trades:,} other candles, "
            f"windows of {self.window} candles."
        )

    def _by_date(self) -> bool:
        return self.first is not None and "dated" in self.first.condition

    def _remedy(self) -> str:
        names = ", ".join(self.columns)
        if self.verdict is Verdict.LOOKS_AHEAD:
            where = f"in {names}" if names else "in its signals"
            return f" {self.strategy} uses candles of the future {where}: live it will not have them."
        if self.verdict is Verdict.MORE_THAN_CANDLES:
            what = "what it looks up by date may be the future" if self._by_date() else "chance cannot be tested"
            return f" {self.strategy} does not decide by candles alone: {what}, so nothing is proven."
        if self.verdict is Verdict.WARM_UP_TOO_SHORT:
            if self.sufficient_window is None:
                return f" No longer window helped: {self.strategy} depends on where the history begins."
            return f" Declare a `warmup` in {self.strategy}: {self.sufficient_window} candles were enough."
        if self.verdict is Verdict.ROUNDING:
            return " Sums that do not depend on where the window begins, as app.indicators has them, avoid it."
        return f" Other values in a window, but no other signal: {names}." if names else ""


_WORST_FIRST: Final = (
    Verdict.LOOKS_AHEAD,
    Verdict.MORE_THAN_CANDLES,
    Verdict.FAILS_LIVE,
    Verdict.WARM_UP_TOO_SHORT,
    Verdict.UNPROVEN,
    Verdict.ROUNDING,
    Verdict.CAUSAL,
)


def together(verdicts: Sequence[Causality]) -> Causality:
    """The worst of several symbols' verdicts, with the cuts of all."""
    worst = min(verdicts, key=lambda verdict: _WORST_FIRST.index(verdict.verdict))
    return replace(
        worst,
        cuts=sum(verdict.cuts for verdict in verdicts),
        trades=sum(verdict.trades for verdict in verdicts),
        trades_in_all=sum(verdict.trades_in_all for verdict in verdicts),
        run_alone=sum(verdict.run_alone for verdict in verdicts),
        differing=sum(verdict.differing for verdict in verdicts),
    )
