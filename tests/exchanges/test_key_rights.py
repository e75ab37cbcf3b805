"""What the exchange says of a key, over HTTP, and what the start makes of it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from app.cli.compose_live import check_key
from app.config.models import ExchangeConfig
from app.domain.errors import KeyRevoked
from app.exchanges.key_rights import KeyRights, key_rights
from exchange_simulator.server.running import exchange_process

Account = Callable[..., ExchangeConfig]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """Start an exchange with these options; the settings that reach it."""
    with ExitStack() as started:

        def start(*options: str, key: str = "k") -> ExchangeConfig:
            address = started.enter_context(exchange_process("--speed", "0", "--key", "k:s", *options))
            return ExchangeConfig(name="binance", rest_url=address.rest_url, api_key=key, api_secret="s")

        yield start


def test_a_key_that_only_trades_is_no_reason_to_worry(account, caplog):
    config = account()
    assert key_rights(config) == KeyRights(may_trade=True, may_withdraw=False, is_bound=False)
    check_key(config)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_key_that_may_withdraw_is_a_loud_warning(account, caplog):
    check_key(account("--keys-may-withdraw"))
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]


def test_an_exchange_that_does_not_tell_is_said_so_and_the_start_goes_on(account, caplog):
    config = account("--no-sapi")
    assert "what the key may do" in key_rights(config)
    check_key(config)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_test_network_is_not_asked_at_all():
    config = ExchangeConfig(name="binance", sandbox_mode=True, api_key="k", api_secret="s")
    assert "test network" in key_rights(config)


def test_a_key_that_is_not_accepted_ends_the_start(account):
    with pytest.raises(KeyRevoked):
        key_rights(account(key="another"))
