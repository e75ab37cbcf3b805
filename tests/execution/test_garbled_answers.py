"""Whatever an exchange answers to whatever question: an answer, or one of our own errors that says so."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from app.config.models import ExchangeConfig
from app.core.clock import SystemClock
from app.core.enums import OrderSide, OrderType
from app.data.ccxt_source import CcxtSource
from app.domain.errors import DataError
from app.domain.timeframe import Timeframe
from app.exchanges import markets
from app.exchanges.key_rights import key_rights
from app.execution.ccxt_exchange import CcxtExchange
from app.repositories import OrderRepository

BTC = "BTC/USDT"
GARBAGE = ["half_json", "html", "empty", "empty_object", "empty_list", "null", "wrong_shape", "duplicate_fields",
           "null_fields", "nan_numbers"]  # fmt: skip
BELIEVED = ([], None)  # no orders, no trades, a cancel of which nothing is known; never an account without coins
QUESTIONS: dict[str, Callable[[CcxtExchange], Any]] = {
    "markets": lambda account: account.instrument(BTC),
    "time": lambda account: account.now_ms(),
    "balances": lambda account: account.balances(),
    "price": lambda account: account.last_price(BTC),
    "order": lambda account: account.find(BTC, "keel-test-00000001", "1"),
    "open orders": lambda account: account.open_orders(BTC),
    "orders": lambda account: account.orders_since(BTC, 0),
    "trades": lambda account: account.fills_since(BTC, account.now_ms() - 1_000),
    "cancel": lambda account: account.cancel(BTC, "keel-test-00000001", "1"),
    "cancel list": lambda account: account.cancel_list(BTC, "keel-test-00000001"),
}


def settings(venue) -> ExchangeConfig:
    return ExchangeConfig(
        name="binance", rest_url=venue.address.rest_url, api_key=venue.key, api_secret=f"secret-{venue.key}"
    )


@pytest.mark.parametrize("kind", GARBAGE)
def test_every_garbled_answer_about_an_account_is_our_own_error(venue, kind):
    account = venue.exchange(settings(venue))
    account.instrument(BTC)
    for name, question in QUESTIONS.items():
        if name == "markets":
            account = venue.exchange(settings(venue))
        venue.fault(kind)
        try:
            answer = question(account)
        except DataError:
            continue
        finally:
            venue.clear()
        assert answer in BELIEVED, name


@pytest.mark.parametrize("kind", GARBAGE)
def test_every_garbled_answer_about_candles_is_our_own_error(venue, kind):
    hour = Timeframe.parse("1h")
    questions: list[Callable[[CcxtSource], Any]] = [
        lambda source: source.instrument(BTC),
        lambda source: source.synchronize(),
        lambda source: source.exchange_time_ms(),
        lambda source: source.bid_ask(BTC),
        lambda source: source.fetch(BTC, hour, since_ms=None, until_ms=SystemClock().now_ms(), limit=5),
    ]
    for question in questions:
        source = CcxtSource(settings(venue), rest_url=venue.address.rest_url, first_pause_ms=1)
        venue.fault(kind)
        with suppress(DataError):
            question(source)
        venue.clear()


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_garbled_answer_about_the_key_says_nothing_of_its_rights(venue, kind):
    for path in ("/api/v3/time", "/sapi/v1/account/apiRestrictions"):
        venue.fault(kind, method="GET", path=path)
        rights = key_rights(settings(venue))
        venue.clear()
        assert isinstance(rights, str) or rights.may_withdraw, path


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_garbled_list_of_markets_leaves_the_known_market_in_use(venue, kind, monkeypatch):
    monkeypatch.setattr(markets, "AGE_MS", 0)
    account = venue.exchange(settings(venue))
    known = account.instrument(BTC)
    venue.fault(kind, method="GET", path="/api/v3/exchangeInfo")
    assert account.instrument(BTC) == known
    venue.clear()
    assert account.instrument(BTC) == known


def test_an_answer_about_another_order_is_doubt_and_the_order_is_found(venue):
    executor = venue.executor()
    price = executor._exchange.last_price(BTC)
    client, answers = executor._exchange._client, []
    create = client.create_order

    def created(*order):
        answers.append(create(*order))
        return answers[0]

    client.create_order = created
    for quantity in ("0.01", "0.02"):
        executor.execute_order(BTC, OrderSide.BUY, Decimal(quantity), OrderType.MARKET, price)
    orders = OrderRepository(venue.session).by_symbol(BTC)
    assert {order.id: order.filled for order in orders} == venue.executed()
    assert len({order.exchange_id for order in orders}) == 2
    assert venue.held() == venue.balance()
