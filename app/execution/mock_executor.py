"""Paper trading: orders fill at once at the price of the decision, with fee, slippage and cash that can run out."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from app.core.clock import Clock, SystemClock
from app.core.database import unit_of_work
from app.core.enums import OrderSide, OrderType
from app.core.interfaces import IExecutor, PositionView
from app.domain.errors import InsufficientFunds, OrderRejected
from app.domain.instrument import Instrument
from app.domain.order import OrderStatus
from app.domain.values import MONEY, Money, Price, Quantity, exact
from app.execution.order_shape import ccxt_order
from app.execution.position_view import view_of
from app.models.sql import Order
from app.repositories import OrderRepository, PaperRepository, SignalRepository, TradeRepository
from app.risk.gate import Purse
from app.simulation.fills import BASIS_POINT, fee_of, market_fill_price

logger = logging.getLogger(__name__)

DEFAULT_CASH: Final = Decimal(10_000)
DEFAULT_FEE_RATE: Final = Decimal("0.001")
DEFAULT_SLIPPAGE_BP: Final = Decimal(1)
AT_ITS_LIMIT: Final = (OrderType.LIMIT, OrderType.TAKE_PROFIT_LIMIT)
COARSEST_TICK: Final = Decimal("0.01")  # of the price: beyond it, rounding would invent prices


class MockExecutor(IExecutor):
    """Trades on paper. Order, trade, position and cash become durable together, so a kill leaves all or nothing.

    A market order fills at the price given with it, made worse by the slippage. A limit order is taken as traded at its
    limit, and so is a target that a candle traded through (`take_profit_limit`). Fees are paid in quote units.

    Args:
        trade_repo: Where trades are booked.
        signal_repo: Part of the public signature; paper trading does not need signals.
        cash: Quote units in the account when it is opened.
        fee_rate: Fraction of the notional (0.001 = 0.1 %).
        slippage_bp: Basis points by which a market order fills worse.
        clock: Gives orders and trades their time.
        instrument_of: What the market of a symbol allows.
    """

    def __init__(
        self,
        trade_repo: TradeRepository,
        signal_repo: SignalRepository,
        *,
        cash: Decimal = DEFAULT_CASH,
        fee_rate: Decimal = DEFAULT_FEE_RATE,
        slippage_bp: Decimal = DEFAULT_SLIPPAGE_BP,
        clock: Clock | None = None,
        instrument_of: Callable[[str], Instrument] = Instrument.default,
    ) -> None:
        self.trade_repo = trade_repo
        self.signal_repo = signal_repo
        self.account = PaperRepository(trade_repo.session, cash)
        self._orders = OrderRepository(trade_repo.session)
        self._fee_rate = fee_rate
        self._slippage_bp = slippage_bp
        self._clock = clock or SystemClock()
        self._instrument_of = instrument_of

    def execute_order(
        self,
        symbol: str,
        side: OrderSide,
        quantity: Decimal | float,
        order_type: OrderType = OrderType.MARKET,
        price: Decimal | float | None = None,
    ) -> dict[str, Any]:
        """Fill the order; see IExecutor.

        Raises:
            OrderRejected: no price, a quantity that the market refuses, or a sale of more than is held. All that is
                held may be sold however little it became: a backtest sells it, too.
            InsufficientFunds: the cash does not cover notional and fee.
        """
        side, order_type = OrderSide(side), OrderType(order_type)
        instrument = self._instrument_of(symbol)
        with unit_of_work(self.trade_repo.session):
            amount = self._accepted_quantity(instrument, side, quantity)
            fill_price = self._fill_price(instrument, side, order_type, price)
            refusal = instrument.refusal(amount, fill_price)
            if refusal is not None and not self._is_all_that_is_held(symbol, side, amount):
                raise OrderRejected(f"{side} {symbol} refused: {refusal}")
            fee = fee_of(amount, fill_price, self._fee_rate)
            self._settle(instrument, side, amount, fill_price, fee)
            order = self._book(symbol, side, order_type, amount, price, fill_price, fee)
        logger.info("Paper order filled: %s %s %s at %s", side, f"{amount:f}", symbol, f"{fill_price:f} (fee {fee:f})")
        return ccxt_order(order, instrument.quote)

    @property
    def fills_at_given_price(self) -> bool:
        """Yes: a stop fills at its level, a target at its limit."""
        return True

    def purse(self, symbol: str) -> Purse:
        """The paper account's cash, fee and slippage."""
        slippage = MONEY.multiply(self._slippage_bp, BASIS_POINT)
        return Purse(float(self.get_cash(symbol)), float(self._fee_rate), float(slippage))

    def get_position(self, symbol: str) -> PositionView:
        """What is held of the symbol, from all booked trades."""
        return view_of(self.trade_repo.position(symbol))

    def get_cash(self, symbol: str) -> Money:
        """Cash in the symbol's quote asset."""
        return Money(self.account.account(self._instrument_of(symbol).quote).cash)

    def _accepted_quantity(self, instrument: Instrument, side: OrderSide, quantity: Decimal | float) -> Quantity:
        try:
            asked = exact(quantity)
        except ValueError as error:
            raise OrderRejected(f"{side} {instrument.symbol} refused: quantity {error}") from None
        held = self.trade_repo.position(instrument.symbol).quantity
        if side is OrderSide.SELL and asked == held:
            return held
        if side is OrderSide.SELL and asked > held:
            raise OrderRejected(f"sell {instrument.symbol} refused: {asked:f} is more than the {held:f} held")
        return instrument.quantity(asked)

    def _is_all_that_is_held(self, symbol: str, side: OrderSide, amount: Quantity) -> bool:
        return side is OrderSide.SELL and 0 < amount == self.trade_repo.position(symbol).quantity

    def _fill_price(
        self, instrument: Instrument, side: OrderSide, order_type: OrderType, price: Decimal | float | None
    ) -> Price:
        if order_type not in (OrderType.MARKET, *AT_ITS_LIMIT):
            raise OrderRejected(f"order type {order_type} is not for paper trading: use market or limit")
        if price is None:
            raise OrderRejected(f"{side} {instrument.symbol} refused: paper trading needs the price, give price=")
        try:
            reference = Price(exact(price))
        except ValueError as error:
            raise OrderRejected(f"{side} {instrument.symbol} refused: price {error}") from None
        if reference <= 0:
            raise OrderRejected(f"{side} {instrument.symbol} refused: price {reference} is not more than zero")
        if order_type in AT_ITS_LIMIT:
            fill_price = instrument.price(reference)
        else:
            fill_price = market_fill_price(side, reference, self._slippage_bp, instrument)
        if instrument.price_tick > MONEY.multiply(reference, COARSEST_TICK):
            raise OrderRejected(
                f"{side} {instrument.symbol} refused: the price tick {instrument.price_tick:f} is too coarse for the "
                f"price {reference:f}: correct exchange.market.price_tick"
            )
        return fill_price

    def _settle(self, instrument: Instrument, side: OrderSide, amount: Quantity, price: Price, fee: Money) -> None:
        notional = MONEY.multiply(amount, price)
        if side is OrderSide.SELL:
            self.account.add_cash(instrument.quote, MONEY.subtract(notional, fee))
            return
        cost = MONEY.add(notional, fee)
        cash = self.account.account(instrument.quote).cash
        if cost > cash:
            raise InsufficientFunds(
                f"buy {amount:f} {instrument.symbol} refused: it costs {cost:f} {instrument.quote} with fee, "
                f"the paper account holds {cash:f}: lower risk.max_position_size_usd, or begin a new db_path with more "
                "paper.cash"
            )
        self.account.add_cash(instrument.quote, MONEY.minus(cost))

    def _book(
        self,
        symbol: str,
        side: OrderSide,
        order_type: OrderType,
        amount: Quantity,
        price: Decimal | float | None,
        fill_price: Price,
        fee: Money,
    ) -> Order:
        moment = datetime.fromtimestamp(self._clock.now_ms() / 1_000, UTC)
        order = self._orders.add(
            Order(
                id=f"paper-{self._orders.next_number('paper-order'):06d}",
                symbol=symbol,
                side=side,
                order_type=order_type.value,
                quantity=amount,
                price=exact(price) if order_type in AT_ITS_LIMIT and price is not None else None,
                filled=amount,
                average=fill_price,
                fee=fee,
                status=OrderStatus.FILLED.value,
                timestamp=moment,
            )
        )
        self.trade_repo.create(symbol, side, fill_price, amount, None, moment, fee=fee, order_id=order.id)
        return order
