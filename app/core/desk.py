"""The bot's risk desk: everything between a decision and an order, and the exits that need no decision."""

import logging
from collections.abc import Callable
from decimal import Decimal

import pandas as pd

from app.config.models import BotConfig
from app.core.cycle import Cycle
from app.core.decision import Action, Decision, Signal, decide
from app.core.entries import Entries
from app.core.enums import OrderSide, OrderType
from app.core.exits import Exits
from app.core.interfaces import IDataHandler, IExecutor
from app.core.kill_switch import KillSwitch, Wish
from app.core.memory import Memory
from app.core.orders import is_ours, place
from app.core.risk_book import RiskBook
from app.core.window import average_true_range
from app.domain.errors import OutcomeUnknown
from app.domain.instrument import Instrument
from app.domain.resting import Purpose, limit_price
from app.domain.values import MONEY, Price, Quantity, exact
from app.repositories import TradeRepository
from app.risk.codes import BELOW_MINIMUM, KILL_SWITCH
from app.risk.gate import Gate, Refused
from app.risk.limits import TRADING
from app.risk.position import Leaving
from app.risk.settings import atr_candles, candles_before_entry

logger = logging.getLogger(__name__)


class Desk:
    """Looks after the position of one symbol; see docs/risk.md.

    Args:
        config: All settings.
        handler: Knows the market's book, and other symbols' candles.
        executor: Executes orders, knows position and cash.
        trade_repo: The ledger.
        memory: Records what is done.
        market: What the market allows.
        now_ms: The exchange's time, ms UTC.

    Attributes:
        book: Position and account.
        exits: What sells without a signal.
        switch: The kill switch of this database.
        candles_needed: Closed candles without which no decision is made.
    """

    def __init__(
        self,
        config: BotConfig,
        handler: IDataHandler,
        executor: IExecutor,
        trade_repo: TradeRepository,
        memory: Memory,
        *,
        market: Callable[[], Instrument],
        now_ms: Callable[[], int],
    ) -> None:
        self.book = RiskBook(config, executor, trade_repo, market)
        self.switch = KillSwitch(config.db_path)
        self.candles_needed = candles_before_entry(config.risk)
        self._config = config
        self._executor = executor
        self._memory = memory
        memory.beside = self.book.save
        self._market = market
        self._now_ms = now_ms
        self._atr_candles = atr_candles(config.risk)
        self._gate = Gate(self.book.symbol, self.book.limits, self.book.sizing, self.book.rules)
        self.exits = Exits(self.book, self._gate, executor, memory, market, now_ms, atr_candles=self._atr_candles)
        timeframe = config.strategy.timeframe
        self._entries = Entries(self.book, self._gate, executor, handler, timeframe, market, now_ms)

    def decide(
        self, cycle: Cycle, signal: Signal, last_signal: int | None, candles: pd.DataFrame, age: int
    ) -> Decision:
        """What to do at the close of the newest candle; an order that it needs is approved and laid into the cycle.

        Args:
            cycle: Takes the order.
            signal: The strategy's.
            last_signal: The one that was last acted upon; None before the first.
            candles: The judged window.
            age: How many candles the newest one is late.
        """
        book = self.book
        last = None if last_signal is None else Signal(last_signal)
        decision = decide(signal, last, book.quantity, entries=book.entries, max_entries=book.limits.max_entries)
        due = self.exits.due()
        if due or decision.action is Action.EXIT:
            return self.sell(cycle, due or (Leaving.SIGNAL, decision.reason))
        if decision.action is Action.ENTER:
            return self._buy(cycle, candles, age, decision)
        return decision

    def sell(self, cycle: Cycle, why: tuple[Leaving, str]) -> Decision:
        """Have the sale of all that is held approved, at the newest close."""
        book = self.book
        cycle.close = cycle.close or book.close
        if cycle.close is None or book.standing is None:
            return Decision(Action.NO_DECISION, "no decision: there is no price yet")
        quantity = self._executor.get_position(book.symbol)["net_quantity"]
        limit = self._limit(Purpose.EXIT, cycle.close) if why[0] is Leaving.SIGNAL else None
        kind = OrderType.MARKET if limit is None else OrderType.LIMIT
        answer = self._gate.exit(book.standing, book.quantity, quantity, limit or cycle.close, kind)
        if isinstance(answer, Refused):
            return Decision(Action.HOLD, f"held: to be sold, but {answer.reason}")
        cycle.order, cycle.leaving = answer, why[0]
        return Decision(Action.EXIT, why[1])

    def execute(self, cycle: Cycle) -> None:
        """Execute what was approved, if anything: recorded before it is sent."""
        if cycle.decision.action is Action.CANCEL and cycle.close is not None:
            self._executor.cancel_resting(self.book.symbol)
            self.book.notice(cycle.close)
            if self.book.position is not None:
                self.sell(cycle, (Leaving.SIGNAL, cycle.decision.reason))
        order = cycle.order
        if order is None or cycle.close is None:
            return
        if order.side is OrderSide.SELL:
            self.book.leave(cycle.leaving)
        executor = self._executor if is_ours(self._executor, IExecutor) else None
        self._memory.begin(cycle, self._now_ms(), executor)  # with it, the levels that led to it
        if cycle.candle_time is not None and executor is not None:
            executor.note_decision(self.book.symbol, cycle.candle_time, cycle.decision.reason)
        cycle.note_order(place(self._executor, order))
        self.book.notice(cycle.close)
        logger.info("Order executed: %s %s %s, decided at %s", order.side, order.quantity, order.symbol, order.price)

    def withdraw(self) -> None:
        """Take back what rests and would not be ordered now: an entry while only exits are allowed, all while halted.

        Protection stays: only the kill switch takes it away.
        """
        executor, state = self._executor, self.book.standing
        if state is None or state.state == TRADING or not is_ours(executor, IExecutor):
            return
        resting = executor.resting_order(self.book.symbol)
        if resting is not None and (self.book.is_halted or resting.purpose is Purpose.ENTRY):
            logger.warning("Risk: %s is taken back: %s", resting, self.book.why_not_trading())
            executor.cancel_resting(self.book.symbol)
            if self.book.close is not None:
                self.book.notice(self.book.close)

    def obey(self) -> None:
        """Do what the kill switch asks for, if it asks for something new."""
        wish = self.switch.wish()
        if wish is None:
            return
        if wish is Wish.RESUME:
            self.book.lift()
            self.switch.clear()
            return
        if self.book.close is not None:
            self.book.notice(self.book.close)
        closes = wish is Wish.HALT_AND_CLOSE and self.book.position is not None
        if self.book.is_halted and not closes:
            return
        logger.critical("Kill switch %s: %s", self.switch.path, wish)
        self.book.only_exits(KILL_SWITCH)
        doubt = self._cancel_everything()
        if closes:
            self.exits.sell_by_hand()
        if doubt is not None:  # until it is certain that nothing rests, it is asked again in each cycle
            raise doubt
        self.book.stop_everything(KILL_SWITCH)

    def _cancel_everything(self) -> OutcomeUnknown | None:
        """Cancel all own orders; what is not certain about that."""
        if is_ours(self._executor, IExecutor):
            try:
                self._executor.cancel_orders(self.book.symbol)
            except OutcomeUnknown as doubt:
                return doubt
        return None

    def largest_quantity(self, price: Decimal) -> Quantity:
        """Base units that `risk.max_position_size_usd` buys at a price, rounded down to what the market allows."""
        return self._market().quantity(MONEY.divide(self._config.risk.max_position_size_usd, price))

    def _buy(self, cycle: Cycle, candles: pd.DataFrame, age: int, decision: Decision) -> Decision:
        """Have an entry approved; a refusal is a decision, too. One candle leads to one entry.

        An order in doubt that was found after all ended no cycle: its candle is judged again, and is ordered already.
        """
        if self._memory.is_ordered(cycle.candle_time):
            return Decision(Action.HOLD, "held: buy signal, but it is ordered already")
        self.book.atr = average_true_range(candles, self._atr_candles)
        limit = None if cycle.close is None else self._limit(Purpose.ENTRY, cycle.close)
        answer = self._entries.ask(candles, age=age, limit=limit)
        if isinstance(answer, Refused):
            return Decision(Action.HOLD, f"held: buy signal, but {self._in_words(answer, cycle.close)}")
        cycle.order = answer
        return decision

    def _limit(self, purpose: Purpose, close: float) -> Price | None:
        """What the settings make of the close; None where they order at market."""
        style = self._config.orders.styles().of(purpose)
        if not style.is_limit:
            return None
        return limit_price(purpose, Price(exact(close)), style.offset_bp, self._market())

    def _in_words(self, refusal: Refused, close: float | None) -> str:
        """Why an entry was refused; for the market's minimum with the numbers."""
        if refusal.code != BELOW_MINIMUM or close is None:
            return refusal.reason
        price = Price(exact(close))
        numbers = self._market().refusal(self.largest_quantity(price), price)
        return f"{refusal.reason} ({numbers})" if numbers else refusal.reason
