"""The `/sapi/v1` calls that ccxt and bots make when they start: plausible answers for a spot-only exchange."""

from exchange_simulator.server.operation import Answer, Call, Operation, Security, names
from exchange_simulator.server.wire import account as wire


def all_coins(call: Call) -> Answer:
    """Answer every asset that a listed symbol trades, with what the account holds of it."""
    balances = call.exchange.balances(call.account)
    listed = call.exchange.instruments().values()
    assets = sorted({name for one in listed for name in (one.base, one.quote)} | set(balances))
    return [wire.coin(asset, balances.get(asset)) for asset in assets]


def no_margin_pairs(_: Call) -> Answer:
    """Answer that nothing trades on margin here."""
    return []


def system_status(_: Call) -> Answer:
    """Answer that the system is up."""
    return {"status": 0, "msg": "normal"}


def key_rights(call: Call) -> Answer:
    """Answer what the key may do: read and trade, not withdraw."""
    return wire.key_rights(call.shown_ms, may_withdraw=False)


def all_key_rights(call: Call) -> Answer:
    """Answer that the key may also withdraw, as careless owners let it."""
    return wire.key_rights(call.shown_ms, may_withdraw=True)


ALL_COINS = Operation(all_coins, names(), 10, Security.USER_DATA)
MARGIN_PAIRS = Operation(no_margin_pairs, names("symbol"), 1, Security.USER_DATA)
SYSTEM_STATUS = Operation(system_status)
KEY_RIGHTS = Operation(key_rights, names(), 1, Security.USER_DATA)
ALL_KEY_RIGHTS = Operation(all_key_rights, names(), 1, Security.USER_DATA)
