"""For how long a position had no stop at all: none at the exchange, and the bot's own not able to act."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

CYCLE_MS: Final = 61_000  # of the bot under test
ARRIVAL_MS: Final = 75_000  # after it an order that no source knows never arrived

Span = tuple[int, int]


class Arm(StrEnum):
    """Whether the bot's own stop could act."""

    ARMED = "armed"
    FROZEN = "frozen"  # by protection of which nobody knows whether it rests
    LEAVING = "leaving"  # an order of the bot's own is in doubt: perhaps it has sold already


@dataclass(frozen=True, slots=True)
class Noted:
    """A moment of a cycle: when its exits are looked at, or its end.

    Attributes:
        at_ms: The exchange's time, ms UTC.
        arm: The bot's own stop.
    """

    at_ms: int
    arm: Arm


def uncovered(
    changes: Iterable[tuple[int, Decimal]], stops: Iterable[tuple[int, int]], smallest: Decimal
) -> list[Span]:
    """When something was held and no stop waited at the exchange.

    Args:
        changes: When the position changed, and by how many base units.
        stops: From when on how many stops waited.
        smallest: Fewer base units than this are nothing.

    Returns:
        From and until, ms UTC, oldest first; the last may go on for ever.
    """
    moments = [(at_ms, 0, change, 0) for at_ms, change in changes] + [(at_ms, 1, Decimal(0), n) for at_ms, n in stops]
    held, waiting, since, spans = Decimal(0), 0, None, []
    for at_ms, is_stop, change, count in sorted(moments, key=lambda moment: moment[:2]):
        held, waiting = held + change, count if is_stop else waiting
        is_bare = held >= smallest and waiting == 0
        if is_bare and since is None:
            since = at_ms
        elif not is_bare and since is not None:
            spans.append((since, at_ms))
            since = None
    spans = [span for span in spans if span[0] < span[1]]
    return spans if since is None else [*spans, (since, 1 << 62)]


def frozen(cycles: Sequence[Noted]) -> Iterator[Span]:
    """When, in one life, the bot's own stop could not act because of protection in doubt."""
    since = None
    for cycle in cycles:
        if cycle.arm is Arm.FROZEN:
            since = cycle.at_ms if since is None else since
        elif since is not None:
            yield since, cycle.at_ms
            since = None
    if since is not None:
        yield since, cycles[-1].at_ms


def bare(lives: Iterable[Sequence[Noted]], spans: Sequence[Span], longest_ms: int) -> Iterator[Span]:
    """The times longer than `longest_ms` for which a bot lived and its position had no stop at all."""
    for begin, end in (span for life in lives for span in frozen(life)):
        for since, until in spans:
            both = max(begin, since), min(end, until)
            if both[1] - both[0] > longest_ms:
                yield both
