"""Account answers (rest-api.md, "Account endpoints")."""

from collections.abc import Mapping

from exchange_simulator.engine.account import Account, Balance
from exchange_simulator.engine.numbers import SCALE, to_text

Json = dict[str, object]

BP = SCALE // 10_000
DISCOUNT = "0.75000000"
NOTHING: Json = {"maker": "0.00000000", "taker": "0.00000000", "buyer": "0.00000000", "seller": "0.00000000"}


def account(one: Account, balances: Mapping[str, Balance], *, omit_zero: bool) -> Json:
    """GET /account."""
    shown = [
        {"asset": asset, "free": to_text(held.free), "locked": to_text(held.locked)}
        for asset, held in sorted(balances.items())
        if held.free or held.locked or not omit_zero
    ]
    return {
        "makerCommission": one.maker_bp,
        "takerCommission": one.taker_bp,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(one),
        "canTrade": one.can_trade,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": one.update_us // 1_000,
        "accountType": "SPOT",
        "balances": shown,
        "permissions": ["SPOT"],
        "uid": one.uid,
    }


def commission(symbol: str, one: Account) -> Json:
    """GET /account/commission."""
    return {
        "symbol": symbol,
        "standardCommission": _rates(one),
        "specialCommission": NOTHING,
        "taxCommission": NOTHING,
        "discount": _discount(one),
    }


def commission_for_order(one: Account) -> Json:
    """POST /order/test with `computeCommissionRates`."""
    none = {"maker": "0.00000000", "taker": "0.00000000"}
    return {
        "standardCommissionForOrder": {"maker": to_text(one.maker_bp * BP), "taker": to_text(one.taker_bp * BP)},
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": _discount(one),
    }


def coin(asset: str, held: Balance | None) -> Json:
    """A row of GET /sapi/v1/capital/config/getall, without networks: nothing leaves a simulated exchange."""
    return {
        "coin": asset,
        "name": asset,
        "free": to_text(held.free if held else 0),
        "locked": to_text(held.locked if held else 0),
        "depositAllEnable": True,
        "withdrawAllEnable": True,
        "freeze": "0",
        "withdrawing": "0",
        "ipoing": "0",
        "ipoable": "0",
        "storage": "0",
        "isLegalMoney": False,
        "trading": True,
        "networkList": [],
    }


def key_rights(now_ms: int, *, may_withdraw: bool) -> Json:
    """GET /sapi/v1/account/apiRestrictions, https://developers.binance.com/docs/wallet/account/api-key-permission."""
    return {
        "ipRestrict": False,
        "createTime": now_ms,
        "enableReading": True,
        "enableWithdrawals": may_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": True,
        "enablePortfolioMarginTrading": False,
    }


def _rates(one: Account) -> Json:
    return {
        "maker": to_text(one.maker_bp * BP),
        "taker": to_text(one.taker_bp * BP),
        "buyer": to_text(0),
        "seller": to_text(0),
    }


def _discount(one: Account) -> Json:
    return {
        "enabledForAccount": one.pay_in_bnb,
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": DISCOUNT,
    }
