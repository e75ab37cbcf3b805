"""Live orders go where no money is lost, until the live executor has passed everything that it must withstand."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from app.config.models import ExchangeConfig
from app.domain.errors import ConfigError


def refuse_real_money(exchange: ExchangeConfig) -> None:
    """Allow the built-in exchange, a server on this machine, and test networks; refuse the rest.

    Raises:
        ConfigError: the orders would cost real money, or there is no account to send them to.
    """
    if exchange.name == "simulated":
        return
    if exchange.name == "replay":
        raise ConfigError('--mode live needs an exchange, not "replay": set exchange.name to "simulated" or a ccxt id')
    if not (exchange.api_key.get_secret_value() and exchange.api_secret.get_secret_value()):
        raise ConfigError("--mode live needs an account: give KEEL_API_KEY and KEEL_API_SECRET")
    if exchange.rest_url is None and exchange.sandbox_mode:
        return
    if exchange.rest_url is not None and _is_loopback(urlsplit(exchange.rest_url).hostname or ""):
        return
    raise ConfigError(
        f"--mode live on {exchange.rest_url or exchange.name} would trade real money, which this version does not: use "
        'exchange.name "simulated", exchange.sandbox_mode true, or --mode mock'
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
