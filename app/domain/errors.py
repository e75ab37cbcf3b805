"""One tree of errors, sorted by what the caller should do.

::

    KeelError                 a person reads the sentence; `exit_code` is stable
    ├── ConfigError           refuse to start; change the named setting                     exit 2
    ├── DatabaseError         refuse to start or stop; the ledger cannot be trusted now     exit 4
    │   └── DatabaseGone      stop at once: the database is ours no more
    ├── DataError             no decision in this cycle; try again at the next candle       exit 5
    │   └── CutShort          the bot is stopping: the rest of the cycle is the next start's
    ├── StrategyError         the user's strategy is wrong; the sentence names file, line   exit 6
    └── OrderError            exit 7
        ├── OrderRejected     final: the order does not exist and never will
        │   ├── InsufficientFunds
        │   ├── StopReached      the price is beyond the stop already: sell at market
        │   └── OrderPostponed   the same decision may be carried out later: a paused market, a limit of requests
        ├── OutcomeUnknown    the order may exist: reconcile before anything else
        └── KeyRevoked        final for everything: the exchange does not accept the API key       exit 8
"""

from typing import ClassVar


class KeelError(Exception):
    """A failure that one clear sentence explains: the thing, its value, the remedy."""

    exit_code: ClassVar[int] = 1


class ConfigError(KeelError):
    """A setting or an argument is wrong."""

    exit_code = 2


class DatabaseError(KeelError):
    """The database is locked, corrupt, unwritable or of another version."""

    exit_code = 4


class DatabaseGone(DatabaseError):
    """The database is ours no more: its file was replaced, its lease taken, or it cannot be written for good."""


class DataError(KeelError):
    """Candles cannot be had, or are not what they should be."""

    exit_code = 5


class CutShort(DataError):
    """The bot is stopping, so the exchange is asked nothing more."""


class StrategyError(KeelError):
    """A strategy raised, or returned something that is no signal."""

    exit_code = 6


class OrderError(KeelError):
    """An order did not go through."""

    exit_code = 7


class OrderRejected(OrderError):
    """A definitive refusal: nothing was traded and nothing will be."""


class InsufficientFunds(OrderRejected):
    """The account cannot pay for the order."""


class OrderPostponed(OrderRejected):
    """Refused for now: the market takes no orders, or the exchange no requests. Nothing was traded."""


class StopReached(OrderRejected):
    """A stop is not placed because the price is at or below it already: what it protects must be sold now."""


class OutcomeUnknown(OrderError):
    """Nobody knows yet whether the order was executed."""


class KeyRevoked(OrderError):
    """The exchange does not accept the API key, from this address, for this purpose: no use to try again."""

    exit_code = 8
