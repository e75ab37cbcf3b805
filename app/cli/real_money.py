"""Live orders go to the built-in exchange, this machine and test networks without a word; to real money on request."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from app.config.models import ExchangeConfig
from app.domain.errors import ConfigError


def check_account(exchange: ExchangeConfig, *, understood: bool = False) -> bool:
    """Refuse to trade live without an account, and with real money that nobody has asked for.

    Args:
        exchange: Where the orders would go.
        understood: Whether `--i-understand-real-money` was given; `exchange.real_money` counts as well.

    Returns:
        Whether the orders cost real money.

    Raises:
        ConfigError: one sentence that says what is missing.
    """
    if exchange.name == "replay":
        raise ConfigError('--mode live needs an exchange, not "replay": set exchange.name to "simulated" or a ccxt id')
    if exchange.name != "simulated" and not (
        exchange.api_key.get_secret_value() and exchange.api_secret.get_secret_value()
    ):
        raise ConfigError("--mode live needs an account: give KEEL_API_KEY and KEEL_API_SECRET")
    if not costs_real_money(exchange):
        return False
    if not (understood or exchange.real_money):
        raise ConfigError(
            f"--mode live on {exchange.rest_url or exchange.name} trades real money: add --i-understand-real-money, "
            "or set exchange.real_money to true for starts that nobody watches"
        )
    return True


def costs_real_money(exchange: ExchangeConfig) -> bool:
    """Whether an order can cost anything: not on the built-in exchange, on this machine and in test networks."""
    if exchange.name in {"simulated", "replay"}:
        return False
    if exchange.rest_url is not None:
        return not is_loopback(urlsplit(exchange.rest_url).hostname or "")
    return not exchange.sandbox_mode


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, without asking a name server."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
