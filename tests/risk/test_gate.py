"""The gate: nobody passes it with too much, from nothing, or while everything is halted; it always says why."""

import dataclasses
import math
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.core.enums import OrderSide, OrderType
from app.core.orders import place
from app.domain.instrument import Instrument
from app.domain.values import Quantity
from app.risk import codes
from app.risk.exits import ExitRules
from app.risk.gate import Approved, Gate, Purse, Refused
from app.risk.limits import (
    HALTED,
    TRADING,
    Account,
    Limits,
    begun,
    halted,
    lifted,
    marked,
    must_close,
    trade_closed,
)
from app.risk.sizing import EQUITY_SHARE, FIXED_AMOUNT, RISK_PER_TRADE, SizingRules, TrackRecord

BTC = "BTC/USDT"
MARKET = Instrument(BTC, Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), Decimal(5))
CASH = 10_000.0
FEE = 0.001


def test_nobody_else_makes_an_approved_order():
    with pytest.raises(TypeError, match="only the risk gate"):
        Approved(BTC, OrderSide.BUY, Decimal(1), OrderType.MARKET, Decimal(1), object())
    order = Gate(BTC, Limits(), SizingRules(amount=100.0, most=100.0), ExitRules()).exit(
        begun(1.0, 0), Quantity(Decimal(1)), Decimal(1), 100.0
    )
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(order, quantity=Decimal(1_000))


def test_an_executor_is_handed_nothing_else():
    class Look:
        symbol, side, quantity, order_type, price = BTC, OrderSide.BUY, Decimal(1), OrderType.MARKET, Decimal(1)

    with pytest.raises(TypeError, match="was not approved"):
        place(None, Look())


def test_more_than_is_held_is_cut_to_it_and_a_number_that_is_none_refused():
    gate = Gate(BTC, Limits(), SizingRules(), ExitRules())
    held = Quantity(Decimal(2))
    assert gate.exit(begun(1.0, 0), held, Decimal(3), 100.0).quantity == 2
    assert gate.exit(begun(1.0, 0), held, Decimal(1), math.nan).code == codes.NOT_A_NUMBER


class Trading(RuleBasedStateMachine):
    """Any sequence of prices, signals, days, halts: what the gate lets pass is booked as an exchange would."""

    @initialize(
        method=st.sampled_from([FIXED_AMOUNT, EQUITY_SHARE, RISK_PER_TRADE]),
        most=st.sampled_from([500.0, 700.0, 3_000.0, 50_000.0, 50_000.0]),
        symbol_share=st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.5]),
        daily_loss=st.sampled_from([0.0, 0.005]),
        drawdown=st.sampled_from([0.0, 0.01]),
        entries=st.sampled_from([1, 2, 3, 3]),
        losses=st.integers(0, 2),
        cooldown=st.integers(0, 2),
    )
    def begin(self, method, most, symbol_share, daily_loss, drawdown, entries, losses, cooldown):
        self.limits = Limits(
            max_entries=entries, symbol_share=symbol_share, daily_loss=daily_loss, drawdown=drawdown,
            losses_in_a_row=losses, cooldown=cooldown,
        )  # fmt: skip
        sizing = SizingRules(method, most / entries, most, 0.05)
        self.most = most
        self.gate = Gate(BTC, self.limits, sizing, ExitRules(stop=0.02))
        self.cash, self.held, self.paid, self.entries, self.before = CASH, Decimal(0), 0.0, 0, CASH
        self.price, self.day = 100.0, 0
        self.standing = begun(CASH, 0)
        self.refusals = []

    def equity(self):
        return self.cash + float(self.held) * self.price

    @rule(move=st.floats(0.7, 1.4), days=st.integers(0, 1))
    def candle(self, move, days):
        self.price = min(max(round(self.price * move, 2), 1.0), 10_000.0)
        self.day += days
        self.standing = marked(self.standing, self.equity(), self.day, self.limits, self.held == 0)
        if must_close(self.standing, self.limits):
            self.sell(part=1.0, by_stop=False)

    @rule()
    def buy(self):
        account = Account(
            self.equity(), float(self.held) * self.price, float(self.held) * self.price, entries=self.entries
        )
        answer = self.gate.entry(
            self.standing, account, Purse(self.cash, FEE, 0.0), MARKET, self.price,
            paid=self.paid, atr=0.0, record=TrackRecord(),
        )  # fmt: skip
        if isinstance(answer, Refused):
            self.refusals.append(answer)
            return
        assert self.standing.state == TRADING
        cost = float(answer.quantity) * self.price
        assert max(self.paid, account.exposure) + cost <= self.most * (1 + 1e-9)
        if self.limits.symbol_share:
            assert account.exposure + cost <= self.limits.symbol_share * account.equity * (1 + 1e-9)
        assert self.entries < self.limits.max_entries
        assert answer.quantity % MARKET.quantity_step == 0
        self.cash -= cost * (1 + FEE)
        self.held, self.paid, self.entries = self.held + answer.quantity, self.paid + cost, self.entries + 1

    @rule(part=st.floats(0.1, 5.0), by_stop=st.booleans())
    def sell(self, part, by_stop):
        if self.held == 0:
            return
        asked = max(MARKET.quantity(float(self.held) * part), MARKET.min_quantity)
        answer = self.gate.exit(self.standing, Quantity(self.held), asked, self.price)
        if isinstance(answer, Refused):
            assert self.standing.state == HALTED
            self.refusals.append(answer)
            return
        assert self.standing.state != HALTED
        assert 0 < answer.quantity <= self.held
        self.held -= answer.quantity
        self.cash += float(answer.quantity) * self.price * (1 - FEE)
        if self.held == 0:
            self.standing = trade_closed(self.standing, self.cash - self.before, by_stop, self.limits)
            self.paid, self.entries, self.before = 0.0, 0, self.cash

    @rule()
    def buy_more(self):
        self.buy()

    @rule(trouble=st.sampled_from([None, None, None, "a number that is none", "the kill switch"]))
    def trouble(self, trouble):
        if trouble is None or self.standing.state == HALTED:
            return
        if trouble == "the kill switch":
            self.standing = halted(self.standing, codes.KILL_SWITCH)
        else:
            self.standing = marked(self.standing, math.nan, self.day, self.limits, self.held == 0)
        assert self.standing.state == HALTED

    @precondition(lambda machine: machine.standing.state == HALTED)
    @rule()
    def resume(self):
        self.standing = lifted(self.standing, self.equity())

    @invariant()
    def nothing_is_owed_and_every_refusal_has_a_reason(self):
        if hasattr(self, "refusals"):
            assert self.cash >= -1e-6
            assert self.held >= 0
            assert all(len(refusal.reason) > 10 and refusal.code for refusal in self.refusals)


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
