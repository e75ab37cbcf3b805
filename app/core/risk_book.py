"""What the bot knows of its position and its account: follows the ledger, kept in the database candle by candle."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from decimal import Decimal
from typing import Final

from app.config.models import BotConfig
from app.core.interfaces import IExecutor
from app.core.orders import is_ours
from app.domain.errors import DatabaseError, DatabaseGone, DataError
from app.domain.instrument import Instrument, base_of, quote_of
from app.domain.protection import Protection
from app.domain.values import MONEY, Price, Quantity, exact
from app.models.risk import EquitySnapshot
from app.repositories import RiskRepository, TradeRepository
from app.risk.codes import OK
from app.risk.exits import Held, next_target
from app.risk.limits import HALTED, REDUCING, Standing, begun, day_of, halted, lifted, marked, trade_closed
from app.risk.position import Leaving, OpenPosition
from app.risk.reasons import REFUSALS, STATES
from app.risk.settings import exit_rules, limits_of, market_of, sizing_rules
from app.risk.sizing import TrackRecord, part_to_close, remembered

logger = logging.getLogger(__name__)

NEWEST_TRADES: Final = 50  # among which the trades of one order are looked for
ZERO: Final = Decimal(0)


class RiskBook:
    """Position and account of one symbol.

    Args:
        config: All settings.
        executor: Knows the position and the cash.
        trade_repo: The ledger; with a stand-in for it nothing survives a restart.
        market: What the market allows.

    Attributes:
        position: What is held; None when nothing is.
        standing: What the limits remember; None before the first candle.
        record: What closed trades tell.
        seen_until_ms: Close time of the newest candle that was looked at, ms UTC; None before the first.
        close: Its close, quote per base.
        atr: Average true range at the newest decision, quote per base; 0 where no rule needs it.
    """

    def __init__(
        self, config: BotConfig, executor: IExecutor, trade_repo: TradeRepository, market: Callable[[], Instrument]
    ) -> None:
        self.rules, self.sizing, self.limits = (
            exit_rules(config.risk),
            sizing_rules(config.risk),
            limits_of(config.risk),
        )
        self.symbol = config.strategy.symbol
        self.position: OpenPosition | None = None
        self.standing: Standing | None = None
        self.record = TrackRecord()
        self.seen_until_ms: int | None = None
        self.close: float | None = None
        self.atr = 0.0
        self._asset = quote_of(self.symbol)
        self._base = config.paper.cash
        self._executor = executor
        self._ledger = trade_repo if is_ours(trade_repo, TradeRepository) else None
        self.store = RiskRepository(self._ledger.session) if self._ledger else None
        self._market = market
        self._kept: OpenPosition | None = None
        self._kept_account: tuple[Standing, TrackRecord] | None = None
        self._snapshots: list[EquitySnapshot] = []
        self._restore()

    @property
    def is_halted(self) -> bool:
        """Whether no order of any kind may be made."""
        return self.standing is not None and self.standing.state == HALTED

    @property
    def quantity(self) -> Quantity:
        """Base units held."""
        return self.position.quantity if self.position else Quantity(ZERO)

    @property
    def entries(self) -> int:
        """Purchases in the open position."""
        return self.position.entries if self.position else 0

    def why_not_trading(self) -> str | None:
        """The state in words; None while everything is allowed."""
        if self.standing is None or self.standing.cause == OK:
            return None
        return f"{STATES[self.standing.state]}: {REFUSALS[self.standing.cause]}"

    def notice(self, close: float) -> None:
        """Follow what the ledger holds; called after everything that may have changed it.

        Args:
            close: The newest close: the price of a purchase of which the ledger knows none.
        """
        held = Quantity(max(exact(self._executor.get_position(self.symbol)["net_quantity"]), ZERO))
        if held == self.quantity:
            return
        try:
            with self._together():
                self._follow(held, close)
                self._keep_position()
                self._keep_account()
        except DatabaseGone:
            raise
        except DatabaseError as error:  # exits go on without it
            logger.critical("The levels of %s are not written down: %s", self.symbol, error)
            self.position = self.position if held > 0 else None

    def _follow(self, held: Quantity, close: float) -> None:
        """The ledger holds something else than before."""
        before, ticks = self.position, market_of(self._market()).ticks
        if before is None:
            price = self._price_of(held, close)
            self.position = OpenPosition.entered(held, price, self._realized(), self.atr, self.rules, ticks)
        elif held > before.quantity:
            price = self._price_of(Quantity(MONEY.subtract(held, before.quantity)), close)
            self.position = before.added(held, price, self.rules, ticks)
        elif held > 0:
            self.position = before.reduced(held)
        else:
            self._close(before, close)

    def leave(self, leaving: Leaving) -> None:
        """Note which exit is about to be ordered, where that can be kept; durable with the next `save`."""
        if self.position is not None and self.store is not None:
            self.position = self.position.leaves(leaving)

    def move(self, held: Held) -> None:
        """Other levels; durable with the next `save`."""
        if self.position is not None:
            self.position = self.position.with_held(held)

    def mark(self, close_ms: int, close: float) -> None:
        """A candle has closed: what the account is worth, and what follows from it; durable with the next `save`.

        Args:
            close_ms: Its close time, ms UTC.
            close: Its close, quote per base.
        """
        day = day_of(close_ms)
        if self.standing is None:
            self._begin()
        try:
            realized, unrealized = self._profits(close)
            is_flat = self.position is None and not self._is_any_other_held()
        except DatabaseGone:
            raise
        except DatabaseError as error:  # exits go on without it
            logger.critical("The account's worth at %s is not known: %s", close, error)
            self.seen_until_ms, self.close = close_ms, close
            return
        equity = MONEY.add(self._base, MONEY.add(realized, unrealized))
        if self.standing is None:
            self.standing = begun(float(equity), day)
        before = self.standing
        self.standing = marked(before, float(equity), day, self.limits, is_flat)
        self._tell(before)
        self.seen_until_ms, self.close = close_ms, close
        if self.store is not None:
            held = self.position.quantity if self.position else ZERO
            self._snapshots.append(
                EquitySnapshot(
                    symbol=self.symbol,
                    asset=self._asset,
                    close_ms=close_ms,
                    close=close,
                    held=held,
                    equity=equity,
                    realized=realized,
                    unrealized=unrealized,
                )
            )

    def save(self) -> None:
        """Write down what changed: together with the step that follows from it, before its order is sent."""
        if self.store is None:
            return
        with self.store.together():
            self._keep_position()
            self._keep_account()
            for snapshot in self._snapshots:
                self.store.add_snapshot(snapshot)
        self._snapshots = []

    def stop_everything(self, cause: int) -> None:
        """Halt: no order of any kind from here on."""
        self._change(halted(self._standing(), cause))

    def only_exits(self, cause: int) -> None:
        """No entry from here on."""
        self._change(self._standing()._replace(state=REDUCING, cause=cause))

    def lift(self) -> None:
        """A person allows trading again."""
        standing = self._standing()
        self._change(lifted(standing, standing.equity))

    def stage_quantity(self, part: float, price: float) -> Quantity:
        """Base units that a target closes; 0 when the part is too small to be sold."""
        position = self.position
        if position is None:
            return Quantity(ZERO)
        if part >= 1.0:
            return position.quantity
        amounts = float(position.opening), float(position.quantity)
        return Quantity(exact(part_to_close(part, *amounts, price, market_of(self._market()))))

    def protection(self) -> Protection | None:
        """The levels of the position, as a desired state; None when nothing is held."""
        if self.position is None:
            return None
        held = self.position.held
        target, part = next_target(held, self.rules, market_of(self._market()).ticks)
        return Protection(
            self.position.quantity,
            Price(exact(held.stop)) if held.stop > 0.0 else None,
            Price(exact(target)) if target > 0.0 else None,
            self.stage_quantity(part, target) if target > 0.0 else Quantity(ZERO),
        )

    def exposures(self, close: float) -> dict[str, float]:
        """What each held symbol is worth at its newest close, quote units; this one's at `close`.

        What another bot bought at this very close counts: its position is kept together with its fill.
        """
        worth = {self.symbol: float(self.position.quantity) * close} if self.position else {}
        if self.store is not None:
            for symbol, (quantity, _, _) in self.store.profits(self._asset).items():
                held = self.store.position(symbol) if symbol != self.symbol and quantity > 0 else None
                if held is not None:
                    newest = self.store.newest_snapshot(symbol)
                    worth[symbol] = float(quantity) * (newest.close if newest else held.held.entry)
        return worth

    def _restore(self) -> None:
        if self.store is None:
            return
        with self.store.together():
            self.position = self._kept = self.store.position(self.symbol)
            if account := self.store.account(self._asset):
                self._base, self.standing, self.record = account
            if newest := self.store.newest_snapshot(self.symbol):
                self.seen_until_ms, self.close = newest.close_ms, newest.close

    def _close(self, before: OpenPosition, close: float) -> None:
        """All of it is gone."""
        profit = float(MONEY.subtract(self._realized(), before.realized_before))
        if self._ledger is None:
            profit = float(before.quantity) * (close - before.held.entry)
        self.position = None
        self.record = remembered(self.record, profit / float(before.paid), self.sizing.kelly_trades)
        self.standing = trade_closed(self._standing(), profit, before.leaving is Leaving.STOP, self.limits)

    def _price_of(self, came: Quantity, close: float) -> Price:
        """The average price, without fees, of the newest purchases that add up to what came."""
        if self._ledger is None:
            return Price(exact(close))
        received, cost = ZERO, ZERO
        for trade in self._ledger.get_by_symbol(self.symbol, NEWEST_TRADES):
            if trade.side != "buy":
                continue
            fee = trade.fee if trade.fee_asset == base_of(self.symbol) else ZERO
            received = MONEY.add(received, MONEY.subtract(trade.quantity, fee))
            cost = MONEY.add(cost, MONEY.multiply(MONEY.subtract(trade.quantity, fee), trade.price))
            if received >= came:
                return Price(MONEY.divide(cost, received))
        known = self._ledger.position(self.symbol)
        return Price(MONEY.divide(known.cost, known.quantity)) if known.quantity > 0 else Price(exact(close))

    def _realized(self) -> Decimal:
        return self._ledger.position(self.symbol).realized if self._ledger else ZERO

    def _begin(self) -> None:
        """The equity with which the account begins: its cash, and what was paid for what it holds."""
        cash = getattr(self._executor, "get_cash", None) if is_ours(self._executor, IExecutor) else None
        if cash is None or self.store is None:
            return
        profits = self.store.profits(self._asset).values()
        paid = sum((MONEY.subtract(cost, realized) for _, cost, realized in profits), ZERO)
        self._base = MONEY.add(cash(self.symbol), paid)
        logger.info("The account begins with %s %s", f"{self._base:f}", self._asset)

    def _profits(self, close: float) -> tuple[Decimal, Decimal]:
        """Realised and unrealised profit of all symbols that are paid for in the same asset."""
        if self.store is None:
            position = self.position
            gained = float(position.quantity) * (close - position.held.entry) if position else 0.0
            return ZERO, exact(gained)
        realized, unrealized = ZERO, ZERO
        for symbol, (quantity, cost, profit) in self.store.profits(self._asset).items():
            realized = MONEY.add(realized, profit)
            newest = close if symbol == self.symbol else self._close_of(symbol, quantity)
            if quantity != 0 and newest is not None:
                worth = MONEY.multiply(quantity, exact(newest))
                unrealized = MONEY.add(unrealized, MONEY.subtract(worth, cost))
        return realized, unrealized

    def _is_any_other_held(self) -> bool:
        """Whether another bot of the account holds something, which it must be able to sell; asked where it matters."""
        if self.store is None or self.limits.drawdown <= 0.0:
            return False
        return self.store.is_any_other_held(self.symbol, self._asset)

    def _close_of(self, symbol: str, quantity: Decimal) -> float | None:
        newest = self.store.newest_snapshot(symbol) if self.store and quantity != 0 else None
        return newest.close if newest else None

    def _standing(self) -> Standing:
        return self.standing or begun(float(self._base), 0)

    def _change(self, standing: Standing) -> None:
        if self.standing is None:  # halted before the first candle: a kill switch does not wait for the exchange
            with suppress(DataError):
                self._begin()
        before, self.standing = self._standing(), standing
        self._tell(before)
        self._keep_account()

    def _tell(self, before: Standing) -> None:
        after = self._standing()
        if (after.state, after.cause) != (before.state, before.cause):
            logger.warning("Risk: %s", self.why_not_trading() or "trading again")

    def _keep_position(self) -> None:
        if self.store is not None and self.position is not self._kept:
            self.store.keep_position(self.symbol, self.position)
            self._kept = self.position

    def _keep_account(self) -> None:
        if self.store is not None and self.standing is not None and (self.standing, self.record) != self._kept_account:
            self.store.keep_account(self._asset, self._base, self.standing, self.record)
            self._kept_account = self.standing, self.record

    def _together(self) -> AbstractContextManager[None]:
        return self.store.together() if self.store is not None else nullcontext()
