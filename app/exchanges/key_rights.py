"""What an API key may do, where the exchange tells: a trading key should trade and nothing more."""

from dataclasses import dataclass
from typing import Any

import ccxt

from app.config.models import ExchangeConfig
from app.core.clock import SystemClock
from app.domain.errors import KeyRevoked
from app.exchanges.budget import RequestBudget
from app.exchanges.ccxt_client import ccxt_client
from app.exchanges.gate import GateShutError, RequestGate
from app.exchanges.verdict import Verdict

TIMEOUT_MS = 10_000
UNTOLD = "check on its website that the key may trade, not withdraw, and only from this machine's address"


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What the exchange said of the key.

    Attributes:
        may_trade: Place and cancel spot orders.
        may_withdraw: Take money out of the account.
        is_bound: Works only from listed addresses.
    """

    may_trade: bool
    may_withdraw: bool
    is_bound: bool


def key_rights(config: ExchangeConfig, budget: RequestBudget | None = None) -> KeyRights | str:
    """Ask the exchange; a sentence says why it does not tell.

    Binance: `GET /sapi/v1/account/apiRestrictions`,
    https://developers.binance.com/docs/wallet/account/api-key-permission. Its test networks have no `/sapi`.

    Args:
        config: Exchange, address and key.
        budget: Shared with everything else in this process that asks the same address.

    Raises:
        KeyRevoked: it does not accept the key.
    """
    client = ccxt_client(config.name, sandbox=config.sandbox_mode, rest_url=config.rest_url, timeout_ms=TIMEOUT_MS)
    client.apiKey, client.secret = config.api_key.get_secret_value(), config.api_secret.get_secret_value()
    ask = getattr(client, "sapiGetAccountApiRestrictions", None)
    if ask is None or not client.urls["api"].get("sapi"):
        return f"{_name(config)} does not tell what a key may do: {UNTOLD}"
    gate = RequestGate(client, budget or RequestBudget(SystemClock()))
    try:
        client.options["timeDifference"] = client.milliseconds() - gate.ask(lambda: int(client.fetch_time()))
        return _rights(gate.ask(ask))
    except (ccxt.BaseError, GateShutError) as error:
        if gate.verdict(error) is Verdict.REVOKED:
            raise KeyRevoked(f"{config.name} does not accept the API key ({error}): check it and its rights") from error
        return f"{_name(config)} did not tell what the key may do ({str(error)[:80]}): {UNTOLD}"


def _name(config: ExchangeConfig) -> str:
    return f"the test network of {config.name}" if config.sandbox_mode and not config.rest_url else config.name


def _rights(answer: dict[str, Any]) -> KeyRights:
    return KeyRights(
        may_trade=answer.get("enableSpotAndMarginTrading") is True,
        may_withdraw=answer.get("enableWithdrawals") is not False,  # silence is no denial
        is_bound=answer.get("ipRestrict") is True,
    )
