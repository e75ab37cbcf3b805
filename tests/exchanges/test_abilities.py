"""What exchanges can tell of orders, as ccxt knows it."""

import ccxt
import pytest

from app.exchanges.abilities import Abilities, abilities_of


def test_binance_answers_every_question():
    assert abilities_of(ccxt.binance()) == Abilities()
    assert Abilities().weaker_promise("binance") is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("bitflyer", "cannot be asked for our own order ids", id="no lookup by client id"),
        pytest.param("upbit", None, id="lookup"),
    ],
)
def test_an_exchange_that_tells_less_has_a_promise_that_says_so(name, words):
    promise = abilities_of(getattr(ccxt, name)()).weaker_promise(name)
    assert (words in promise) if words else True


def test_without_lists_nothing_can_be_proven_absent():
    blind = Abilities(lists_orders=False, lists_fills=False)
    assert not blind.proves_absence
    assert "freezes its symbol" in blind.weaker_promise("somewhere")
