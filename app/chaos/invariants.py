"""What must hold when the bot has come to rest, whatever died, dropped or lied. Each returns violations in words.

A new promise is one more function in `INVARIANTS`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from app.chaos.bareness import ARRIVAL_MS, CYCLE_MS, Noted, bare, uncovered
from app.chaos.books import RESTING, UNRESOLVED, Books
from app.chaos.faults import Fault
from app.chaos.truth import SCALE, Execution, Truth

BASE: Final = "BTC"
SMALLEST: Final = Decimal("0.0002")  # BTC: less than this the market does not sell
SLACK: Final = Decimal("1.1")  # the price moves between a decision and its fill, and while a position is held


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both sides after a run.

    Attributes:
        truth: The exchange.
        books: The bot's ledger.
        sent: How often each client id left for the exchange.
        unwritten: Client ids that left before they were written down.
        limit: What a position may cost, quote units.
        fault: What went wrong meanwhile.
        oracle: Of the exchange itself.
        lives: What was noted of its own stop in the cycles of each life.
    """

    truth: Truth
    books: Books
    sent: Counter[str]
    unwritten: list[str]
    limit: Decimal
    fault: Fault
    oracle: dict[str, Any]
    lives: Sequence[Sequence[Noted]] = ()

    def ours(self) -> list[Execution]:
        """Executions of the bot's orders."""
        return [execution for execution in self.truth.executions if execution.client_id in self.sent]

    def foreign(self) -> Decimal:
        """Base units in the account that are not the bot's: what was there, came, left, or was traded by hand."""
        by_hand = (e.base_change(BASE) for e in self.truth.executions if e.client_id not in self.sent)
        return sum(by_hand, self.truth.external.get(BASE, Decimal(0)))

    def balance(self) -> Decimal:
        """Base units in the account."""
        return Decimal(self.oracle["ledger"].get(BASE, {}).get(self.truth.account, 0))


def the_exchange_is_sound(outcome: Outcome) -> Iterator[str]:
    """Otherwise nothing that follows means anything."""
    if not outcome.oracle.get("ok"):
        yield f"the simulator's own ledger does not add up: {outcome.oracle}"


def the_database_is_sound(outcome: Outcome) -> Iterator[str]:
    """SQLite finds no fault in its file."""
    if outcome.books.integrity != "ok":
        yield f"the database is damaged: {outcome.books.integrity}"


def no_order_is_sent_twice(outcome: Outcome) -> Iterator[str]:
    """One POST for each client id."""
    for client_id, times in outcome.sent.items():
        if times > 1:
            yield f"order {client_id} was sent {times} times"


def no_client_id_is_executed_twice(outcome: Outcome) -> Iterator[str]:
    """One order at the exchange for each client id."""
    for client_id, orders in Counter(outcome.truth.client_ids()).items():
        if client_id in outcome.sent and orders > 1:
            yield f"the exchange has {orders} orders with the client id {client_id}"


def every_order_is_written_before_it_is_sent(outcome: Outcome) -> Iterator[str]:
    """A commit with the order precedes its request."""
    for client_id in outcome.unwritten:
        yield f"order {client_id} was sent before it was written down"
    for client_id in outcome.sent.keys() - outcome.books.statuses.keys():
        yield f"order {client_id} was sent, but the ledger does not know it"


def no_intent_is_unresolved(outcome: Outcome) -> Iterator[str]:
    """Of every order it is known whether the exchange has it."""
    for client_id, status in outcome.books.statuses.items():
        if status in UNRESOLVED:
            yield f"order {client_id} is {status} in the ledger"


def open_orders_are_the_same(outcome: Outcome) -> Iterator[str]:
    """No order of the bot rests at the exchange without the ledger's knowledge, and the other way round."""
    at_the_exchange = {client_id for client_id in outcome.truth.open_client_ids() if client_id in outcome.sent}
    in_the_ledger = {client_id for client_id, status in outcome.books.statuses.items() if status in RESTING}
    for client_id in at_the_exchange - in_the_ledger:
        yield f"order {client_id} is open at the exchange, in the ledger it is {outcome.books.statuses.get(client_id)}"
    for client_id in in_the_ledger - at_the_exchange:
        yield f"order {client_id} is open in the ledger, but not at the exchange"


def fills_are_the_same(outcome: Outcome) -> Iterator[str]:
    """Trade ids, orders, sides, prices, quantities, fees and fee assets, all exactly."""
    booked = Counter(_fields(trade) for trade in outcome.books.trades)
    executed = Counter(_fields(execution) for execution in outcome.ours())
    for fill in (executed - booked).elements():
        yield f"executed but not booked: {fill}"
    for fill in (booked - executed).elements():
        yield f"booked but not executed: {fill}"


def the_position_is_the_sum_of_fills(outcome: Outcome) -> Iterator[str]:
    """What the bot thinks is its own is what its fills add up to, less what it gave up because the owner took it."""
    filled = sum((execution.base_change(BASE) for execution in outcome.ours()), Decimal(0))
    books = outcome.books
    if books.position != filled - books.written_off:
        yield f"the position is {books.position}, fills add up to {filled}, {books.written_off} was written off"
    if books.written_off and not outcome.fault.takes_coins:
        yield f"{books.written_off} was written off, although nobody took anything"


def position_and_foreign_coins_are_the_balance(outcome: Outcome) -> Iterator[str]:
    """Nothing is left over, nothing is missing, to the last digit."""
    books, foreign, balance = outcome.books, outcome.foreign(), outcome.balance()
    if books.position + books.written_off + foreign != balance:
        given_up = f", {books.written_off} was written off" if books.written_off else ""
        yield f"the position is {books.position}, foreign coins are {foreign}{given_up}; the account holds {balance}"
    if books.position > balance:
        yield f"the position is {books.position}, but the account holds {balance}"


def foreign_coins_are_never_sold_and_nothing_is_bought_twice(outcome: Outcome) -> Iterator[str]:
    """At every moment the bot's own fills add up to no less than nothing, and to no more than one position."""
    held = Decimal(0)
    for execution in outcome.ours():
        held += execution.base_change(BASE)
        if held < 0:
            yield f"trade {execution.trade_id} of {execution.client_id} sold {-held} that the bot had not bought"
            held = Decimal(0)
        most = outcome.limit * SLACK
        if execution.side == "buy" and held * execution.price > most and not outcome.fault.takes_coins:
            yield f"after trade {execution.trade_id} of {execution.client_id} it holds {held}, more than {most} USDT"


def one_protection_for_one_position(outcome: Outcome) -> Iterator[str]:
    """At no moment did two stops wait; in the end one waits for exactly what is held, where a stop is configured."""
    for both in outcome.truth.doubled:
        yield f"two stops waited at the same time: {both}"
    waiting = outcome.truth.open_stops()
    left = sum((Decimal(one["quantity"] - one["executed"]) / SCALE for one in waiting), Decimal(0))
    position = outcome.books.position
    if left > position:
        yield f"a stop waits for {left}, but the position is {position}"
    if outcome.fault.has_stop and position - left >= SMALLEST:
        yield f"the position is {position}, stops wait for {left} of it"


def no_position_is_bare(outcome: Outcome) -> Iterator[str]:
    """While the bot lives, for no longer than one cycle is there neither a stop at the exchange nor one of its own.

    Beside coins that are not the bot's its own stop waits until an order can no longer arrive: it could sell them.
    """
    if not outcome.fault.has_stop:
        return
    changes = [(execution.at_ms, execution.base_change(BASE)) for execution in outcome.ours()]
    longest_ms = CYCLE_MS + (ARRIVAL_MS if outcome.foreign() else 0)
    for since, until in bare(outcome.lives, uncovered(changes, outcome.truth.stops, SMALLEST), longest_ms):
        yield f"for {(until - since) / 1_000:g} s a position had no stop that could act"


INVARIANTS: Final[tuple[Callable[[Outcome], Iterator[str]], ...]] = (
    the_exchange_is_sound,
    the_database_is_sound,
    no_order_is_sent_twice,
    no_client_id_is_executed_twice,
    every_order_is_written_before_it_is_sent,
    no_intent_is_unresolved,
    open_orders_are_the_same,
    fills_are_the_same,
    the_position_is_the_sum_of_fills,
    position_and_foreign_coins_are_the_balance,
    foreign_coins_are_never_sold_and_nothing_is_bought_twice,
    one_protection_for_one_position,
    no_position_is_bare,
)


def violations(outcome: Outcome) -> list[str]:
    """All that is wrong, in words."""
    return [f"{broken.__name__}: {sentence}" for broken in INVARIANTS for sentence in broken(outcome)]


def _fields(trade: Any) -> tuple[str, ...]:  # noqa: ANN401  # an Execution or a Booked, which have the same fields
    numbers = (f"{value.normalize():f}" for value in (trade.price, trade.quantity, trade.fee))
    return (trade.trade_id, trade.client_id, trade.side, *numbers, trade.fee_asset)
