from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.domain.position import Position
from app.domain.values import Money, Quantity

D = Decimal


def test_a_purchase_costs_its_notional_and_its_fee():
    position = Position().bought(Quantity(D("2")), Money(D("200.2")))
    assert (position.quantity, position.cost, position.realized) == (D(2), D("200.2"), D(0))
    assert not position.is_flat


def test_selling_everything_realises_profit_after_fees_on_both_sides():
    position, profit = Position().bought(Quantity(D("2")), Money(D("200.2"))).sold(Quantity(D("2")), Money(D("219.78")))
    assert profit == D("220") - D("0.22") - D("200.2")
    assert position.is_flat
    assert position.cost == 0
    assert position.realized == profit


def test_a_partial_sale_takes_its_share_of_the_average_cost():
    position = Position().bought(Quantity(D(1)), Money(D(100)))
    position = position.bought(Quantity(D(3)), Money(D(600)))
    after, profit = position.sold(Quantity(D(1)), Money(D(300)))
    assert profit == D(300) - D(175)
    assert after.cost == D(700) - D(175)
    assert after.quantity == D(3)


def test_selling_more_than_is_held_books_the_rest_without_cost():
    after, profit = Position().bought(Quantity(D(1)), Money(D(10))).sold(Quantity(D(2)), Money(D(20)))
    assert profit == D(10)
    assert after.quantity == D(-1)


amounts = st.decimals(min_value="0.00001", max_value="1000", places=5)
prices = st.decimals(min_value="0.01", max_value="100000", places=2)


@given(st.lists(st.tuples(st.booleans(), amounts, prices), min_size=1, max_size=30))
def test_cash_spent_and_earned_equals_cost_held_minus_profit_to_the_last_digit(orders):
    position, cash = Position(), Fraction(0)
    for buys, amount, price in orders:
        fee = Money(amount * price * D("0.001"))
        if buys:
            position = position.bought(Quantity(amount), Money(amount * price + fee))
            cash -= Fraction(amount) * Fraction(price) + Fraction(fee)
        elif amount <= position.quantity:
            position, _ = position.sold(Quantity(amount), Money(amount * price - fee))
            cash += Fraction(amount) * Fraction(price) - Fraction(fee)
    assert cash == Fraction(position.realized) - Fraction(position.cost)
    assert position.quantity >= 0
