"""The engine under arbitrary sequences of orders, cancels and interventions: what must hold after every step."""

from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from exchange_simulator.engine.account import HOUSE
from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.events import OrderUpdate, TradePrinted
from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.engine.orders import (
    PRICED,
    CancelReplaceMode,
    OcoRequest,
    OrderRequest,
    OrderType,
    Side,
    StpMode,
    TimeInForce,
)

SYMBOL = "BTCUSDT"
ACCOUNTS = st.sampled_from(["ann", "bob", HOUSE])
CUSTOMERS = st.sampled_from(["ann", "bob"])
PRICES = st.integers(9_985, 10_015).map(lambda cents: cents * SCALE // 100)
QUANTITIES = st.integers(1, 3_000).map(lambda steps: steps * SCALE // 1_000)
SIDES = st.sampled_from(list(Side))
WHEREABOUTS = st.integers(0, 40)
SETTLED = dict.fromkeys(("FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"), 2)
RANK = {"NEW": 0, "PARTIALLY_FILLED": 1, **SETTLED}


class EngineMachine(RuleBasedStateMachine):
    """Customers, the house and the operator do what they like."""

    steps = 0
    open_floor = None

    def __init__(self):
        super().__init__()
        self.floor = type(self).open_floor(max_orders=25)
        self.exchange = self.floor.exchange
        self.seen = {}
        self.straight = set()
        self.exchange.subscribe(self.on_event)

    def on_event(self, event):
        if isinstance(event, OrderUpdate):
            rank, executed = RANK[event.order.status], event.order.executed
            before_rank, before_executed = self.seen.get(event.order.order_id, (0, 0))
            assert rank >= before_rank, "an order's status went back"
            assert executed >= before_executed, "an order lost a fill"
            assert before_rank < 2, "an order changed after its end"
            self.seen[event.order.order_id] = (rank, executed)
        elif isinstance(event, TradePrinted):
            self.check_priority(event)

    def check_priority(self, event):
        """No order that was before the maker may still rest on the maker's side."""
        book = self.exchange.engine.desk.books[SYMBOL]
        side = book.side_of(event.maker.side)
        best = side.best()
        if best:
            assert side.sign * best <= side.sign * event.trade.price, "a better price was passed over"
        level = side.levels.get(event.trade.price)
        rivals = {} if level is None else level.orders
        maker_id = event.maker.order_id
        if maker_id in self.straight:
            earlier = [order_id for order_id in rivals if order_id in self.straight and order_id < maker_id]
            assert not earlier, "an order that came earlier at the same price was passed over"

    def place_straight(self, name, request):
        """Place an order that rests at once if it rests at all: its id says when it came."""
        result = self.act(lambda: self.exchange.place(self.account(name), request))
        if result is not None:
            self.straight.add(result.order.order_id)

    def act(self, action):
        type(self).steps += 1
        try:
            return action()
        except ApiError:
            return None

    def account(self, name):
        return self.exchange.account(name)

    @rule(
        name=ACCOUNTS,
        side=SIDES,
        price=PRICES,
        quantity=QUANTITIES,
        tif=st.sampled_from(list(TimeInForce)),
        mode=st.sampled_from(list(StpMode)),
    )
    def limit(self, name, side, price, quantity, tif, mode):
        request = OrderRequest(
            symbol=SYMBOL,
            side=side,
            type=OrderType.LIMIT,
            quantity=quantity,
            price=price,
            time_in_force=tif,
            stp_mode=mode,
        )
        self.place_straight(name, request)

    @rule(name=ACCOUNTS, side=SIDES, price=PRICES, quantity=QUANTITIES)
    def rest(self, name, side, price, quantity):
        request = OrderRequest(symbol=SYMBOL, side=side, type=OrderType.LIMIT_MAKER, quantity=quantity, price=price)
        self.place_straight(name, request)

    @rule(name=ACCOUNTS, side=SIDES, quantity=QUANTITIES, by_quote=st.booleans(), mode=st.sampled_from(list(StpMode)))
    def market(self, name, side, quantity, by_quote, mode):
        amount = {"quote_quantity": quantity * 100} if by_quote else {"quantity": quantity}
        request = OrderRequest(symbol=SYMBOL, side=side, type=OrderType.MARKET, stp_mode=mode, **amount)
        self.act(lambda: self.exchange.place(self.account(name), request))

    @rule(
        name=CUSTOMERS,
        side=SIDES,
        price=PRICES,
        stop=PRICES,
        quantity=QUANTITIES,
        delta=st.sampled_from([None, None, 20, 50]),
        kind=st.sampled_from(
            [OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT]
        ),
    )
    def stop(self, name, side, price, stop, quantity, delta, kind):
        limit = price if kind in PRICED else None
        request = OrderRequest(
            symbol=SYMBOL, side=side, type=kind, quantity=quantity, price=limit, stop_price=stop, trailing_delta=delta
        )
        self.act(lambda: self.exchange.place(self.account(name), request))

    @rule(name=CUSTOMERS, side=SIDES, high=PRICES, low=PRICES, quantity=QUANTITIES)
    def oco(self, name, side, high, low, quantity):
        kinds = (
            (OrderType.LIMIT_MAKER, OrderType.STOP_LOSS)
            if side is Side.SELL
            else (OrderType.STOP_LOSS, OrderType.LIMIT_MAKER)
        )
        legs = [
            OrderRequest(
                symbol=SYMBOL,
                side=side,
                type=kind,
                quantity=quantity,
                **{"price" if kind in PRICED | {OrderType.LIMIT_MAKER} else "stop_price": price},
            )
            for kind, price in zip(kinds, (max(high, low), min(high, low)), strict=True)
        ]
        self.act(lambda: self.exchange.place_oco(self.account(name), OcoRequest(SYMBOL, side, *legs)))

    @rule(name=ACCOUNTS, index=WHEREABOUTS)
    def cancel(self, name, index):
        orders = self.exchange.open_orders(self.account(name), SYMBOL)
        if orders:
            order = orders[index % len(orders)]
            self.act(lambda: self.exchange.cancel(self.account(name), SYMBOL, order_id=order.order_id))

    @rule(
        name=CUSTOMERS,
        index=WHEREABOUTS,
        side=SIDES,
        price=PRICES,
        quantity=QUANTITIES,
        mode=st.sampled_from(list(CancelReplaceMode)),
    )
    def replace(self, name, index, side, price, quantity, mode):
        request = OrderRequest(symbol=SYMBOL, side=side, type=OrderType.LIMIT, quantity=quantity, price=price)
        self.act(lambda: self.exchange.cancel_replace(self.account(name), request, mode=mode, order_id=index))

    @rule(name=CUSTOMERS, asset=st.sampled_from(["BTC", "USDT", "BNB"]), amount=st.integers(-50 * SCALE, 50 * SCALE))
    def outside(self, name, asset, amount):
        self.act(lambda: self.exchange.deposit(self.account(name), asset, amount))
        self.act(lambda: self.exchange.lock_external(self.account(name), asset, amount // 2))

    @rule(name=CUSTOMERS, pays=st.booleans())
    def fees(self, name, pays):
        self.exchange.set_fees(self.account(name), pay_in_bnb=pays)

    @rule(name=CUSTOMERS, index=WHEREABOUTS)
    def expire(self, name, index):
        orders = self.exchange.open_orders(self.account(name), SYMBOL)
        if orders:
            self.act(
                lambda: self.exchange.expire_order(self.account(name), SYMBOL, orders[index % len(orders)].order_id)
            )

    @invariant()
    def nothing_appears_or_vanishes_and_locks_are_what_orders_need(self):
        assert self.exchange.oracle.check() == []

    @invariant()
    def the_book_is_not_crossed_and_is_in_order(self):
        book = self.exchange.depth(SYMBOL, 10_000)
        assert not book.bids or not book.asks or book.bids[0][0] < book.asks[0][0]
        assert all(first > second for (first, _), (second, _) in pairwise(book.bids))
        assert all(first < second for (first, _), (second, _) in pairwise(book.asks))

    @invariant()
    def levels_are_the_sum_of_their_orders_and_orders_obey_the_filters(self):
        desk = self.exchange.engine.desk
        book, rules = desk.books[SYMBOL], desk.books[SYMBOL].instrument
        resting = set()
        for side in (book.bids, book.asks):
            for price, level in side.levels.items():
                assert level.quantity == sum(order.remaining for order in level.orders.values()) > 0
                for order in level.orders.values():
                    resting.add(order.order_id)
                    assert order.status.is_open
                    assert order.price == price
                    assert price % rules.tick_size == 0
                    assert order.remaining % rules.step_size == 0
                    assert rules.min_price <= price <= rules.max_price
        held = {o.order_id for account in desk.accounts.values() for o in account.open.get(SYMBOL, {}).values()}
        assert held == resting | set(book.triggers.waiting)

    @invariant()
    def nobody_has_more_orders_than_allowed(self):
        for name in ("ann", "bob"):
            assert len(self.exchange.open_orders(self.account(name), SYMBOL)) <= 25


@pytest.mark.parametrize("examples", [120])
def test_the_engine_keeps_its_promises_whatever_happens(open_floor, examples):
    machine = type("Machine", (EngineMachine,), {"open_floor": staticmethod(open_floor), "steps": 0})
    chosen = settings(
        max_examples=examples, stateful_step_count=120, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=chosen)
    assert machine.steps >= 10_000, "too few operations to prove anything"
