"""The price and the fee of a simulated fill."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from app.core.enums import OrderSide
from app.domain.instrument import Instrument
from app.domain.values import MONEY, Money, Price, Quantity

BASIS_POINT: Final = Decimal("0.0001")


def market_fill_price(side: OrderSide, reference: Price, slippage_bp: Decimal, instrument: Instrument) -> Price:
    """What a market order pays: the reference made worse by the slippage, rounded to the tick against the trader.

    Args:
        side: Buy or sell.
        reference: Quote per base; the price at which the decision was made.
        slippage_bp: Basis points (1 bp = 0.01 %).
        instrument: The price grid.
    """
    slippage = MONEY.multiply(slippage_bp, BASIS_POINT)
    factor = MONEY.add(Decimal(1), slippage) if side is OrderSide.BUY else MONEY.subtract(Decimal(1), slippage)
    worse = MONEY.multiply(reference, factor)
    return instrument.price(worse, ROUND_CEILING if side is OrderSide.BUY else ROUND_FLOOR)


def fee_of(quantity: Quantity, price: Price, fee_rate: Decimal) -> Money:
    """Fee in quote units: notional times rate, exact."""
    return Money(MONEY.multiply(MONEY.multiply(quantity, price), fee_rate))
