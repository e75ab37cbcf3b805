"""The gate: the only place where an order of the bot comes into being. An executor is handed what it approved."""

from dataclasses import InitVar, dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from app.core.enums import OrderSide, OrderType
from app.domain.instrument import Instrument
from app.domain.values import Price, Quantity, exact
from app.risk.codes import KILL_SWITCH, NOT_A_NUMBER, OK
from app.risk.exits import LONG, ExitRules, opened
from app.risk.limits import HALTED, Account, Limits, Standing, entry_refusal, room
from app.risk.reasons import REFUSALS
from app.risk.settings import market_of
from app.risk.sizing import Funds, SizingRules, TrackRecord, entry_quantity
from app.simulation.candle import market_fill

_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class Approved:
    """An order that the gate let pass; nobody else can build one.

    Attributes:
        symbol: The market.
        side: Buy or sell.
        quantity: Base units: on the market's grid for a purchase, never more than is held for a sale.
        order_type: Market or limit; `take_profit_limit` where a target that was reached is filled on paper.
        price: The price at which the decision was made, or the limit, quote per base.
    """

    symbol: str
    side: OrderSide
    quantity: Decimal | float
    order_type: OrderType
    price: Decimal
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only the risk gate approves orders: ask app.risk.gate.Gate")


@dataclass(frozen=True, slots=True)
class Refused:
    """What did not pass, and why.

    Attributes:
        code: One of `app.risk.codes`.
        reason: In words.
    """

    code: int
    reason: str


class Purse(NamedTuple):
    """What an entry may spend, and what buying costs on top.

    Attributes:
        cash: Quote units that are free; infinite where nobody knows.
        fee_rate: Fraction of the notional that is paid in quote units.
        slippage: By which fraction a market order is expected to fill worse.
    """

    cash: float
    fee_rate: float
    slippage: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Asks every limit and cuts every quantity; see docs/risk.md.

    Attributes:
        symbol: The market.
        limits: What no strategy can pass.
        sizing: How entries are sized.
        exits: Where the stop will lie.
    """

    symbol: str
    limits: Limits
    sizing: SizingRules
    exits: ExitRules

    def entry(
        self,
        standing: Standing,
        account: Account,
        purse: Purse,
        instrument: Instrument,
        close: float,
        *,
        paid: float,
        atr: float,
        record: TrackRecord,
        limit: Price | None = None,
    ) -> Approved | Refused:
        """A purchase.

        Args:
            standing: What the limits remember.
            account: What is known of the account now.
            purse: What may be spent.
            instrument: What the market allows.
            close: Close of the judged candle, quote per base.
            paid: What the open position cost, quote units; 0 when there is none.
            atr: Average true range, quote per base; 0 where no rule needs it.
            record: What closed trades tell.
            limit: Buy at this price or better; at market when None.
        """
        code = entry_refusal(standing, self.limits, account)
        if code != OK:
            return Refused(code, REFUSALS[code])
        market = market_of(instrument)
        fill = market_fill(LONG, close, purse.slippage, market.ticks)
        stop = opened(LONG, fill, atr, self.exits, market.ticks).stop
        funds = Funds(
            account.equity, purse.cash, purse.fee_rate, max(paid, account.exposure), room(self.limits, account)
        )
        quantity, code = entry_quantity(self.sizing, market, funds, close, fill, stop, atr, record)
        if code != OK:
            return Refused(code, REFUSALS[code])
        price = Price(exact(close))
        amount = instrument.quantity(exact(quantity))
        if refusal := instrument.refusal(amount, price):
            return Refused(code, refusal)
        order_type = OrderType.MARKET if limit is None else OrderType.LIMIT
        return Approved(self.symbol, OrderSide.BUY, amount, order_type, limit or price, _SEAL)

    def exit(
        self,
        standing: Standing,
        held: Quantity,
        quantity: Decimal | float,
        price: float | Decimal,
        order_type: OrderType = OrderType.MARKET,
    ) -> Approved | Refused:
        """A sale of what is held: no limit refuses it, only a halt does.

        Args:
            standing: What the limits remember.
            held: Base units held.
            quantity: Base units to sell; more than is held is cut to it.
            price: Quote per base: the level that was reached, or the close.
            order_type: Limit to sell at this price or better.
        """
        if standing.state == HALTED:
            return Refused(standing.cause, REFUSALS.get(standing.cause, REFUSALS[KILL_SWITCH]))
        try:
            asked = exact(quantity)
            limit = exact(price)
        except ValueError:
            return Refused(NOT_A_NUMBER, REFUSALS[NOT_A_NUMBER])
        return Approved(self.symbol, OrderSide.SELL, quantity if asked <= held else held, order_type, limit, _SEAL)
