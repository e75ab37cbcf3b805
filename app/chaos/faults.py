"""The fault schedule: every kind of fault of the simulated exchange that can meet a bot that trades over REST.

`docs/exchange-simulator.md` says what each kind does. An order request is struck often, a read now and then, and never
so hard that a bot which is restarted could not get through in the end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.chaos.bot import PATIENCE_S
from app.chaos.venue import ACCOUNT

SYMBOL: Final = "BTCUSDT"
PLACE: Final = {"method": "POST", "path": "/api/v3/order"}
READ: Final = {"method": "GET", "path": "/api/v3/*"}
CANDLES: Final = {"method": "GET", "path": "/api/v3/klines"}
FUNDS: Final = {"method": "GET", "path": "/api/v3/account"}
CANCEL: Final = {"method": "DELETE", "path": "/api/v3/order"}
TOO_LATE_S: Final = PATIENCE_S + 0.5
_RESTING: Final = {"type": "limit", "limit_offset_bp": "3", "time_to_live_s": 50, "max_repricings": 2}
PROTECT: Final = {"method": "POST", "path": "/api/v3/orderList/oco"}
UNPROTECT: Final = {"method": "DELETE", "path": "/api/v3/orderList"}
STOP_AND_TARGET: Final[Mapping[str, Mapping[str, Any]]] = {
    "risk": {
        "stop_loss_pct": 0.01,
        "take_profit_pct": 0.01,
        "exits": {"trailing_stop_pct": 0.002, "trailing_from_pct": 0.0002},
    },
    "strategy": {"params": {"every": 4}},
}
LIMIT_ORDERS: Final = {"orders": {"entry": _RESTING, "exit": _RESTING}}
Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong during a run.

    Attributes:
        name: Unique; the simulator's kind, and the phase where there are two.
        rules: Put up before the bot starts.
        undo: Put up when all faults have been taken down: the exchange is well again.
        takes_coins: Whether the owner takes coins away, so that the bot may write some off.
        balance: What the account holds at first, beside the USDT.
        options: More options of `keel exchange`.
        hold_s: Real seconds for which a request that nobody waits for any more may be under way.
        settings: Laid over the bot's settings, section by section.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    undo: tuple[Rule, ...] = ()
    takes_coins: bool = False
    balance: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    hold_s: float = 0.0
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[str]:
        """The simulator's kinds that it uses."""
        return frozenset(rule["kind"] for rule in self.rules)

    @property
    def has_stop(self) -> bool:
        """Whether positions have a stop."""
        return "stop_loss_pct" in self.settings.get("risk", {})


def rule(kind: str, where: Mapping[str, str], probability: float, **more: Any) -> Rule:  # noqa: ANN401  # JSON
    """A rule that strikes a matching request by chance, without end unless `count` says how often."""
    return {"kind": kind, **where, "probability": probability, "count": None, **more}


def _answers() -> Iterator[Fault]:
    """Answers that never come, come late, or come as garbage, to orders that were executed and others."""
    for kind in ("reset", "close", "truncate", "half_json", "html", "empty", "empty_object", "empty_list", "null",
                 "wrong_shape", "duplicate_fields", "null_fields", "nan_numbers"):  # fmt: skip
        for phase in ("before", "after"):
            strikes = rule(kind, PLACE, 0.5, phase=phase), rule(kind, READ, 0.03, phase="after")
            yield Fault(f"{kind} {phase}", strikes)
    for phase in ("before", "after"):
        yield Fault(f"no_answer {phase}", (rule("no_answer", PLACE, 0.5, count=2, phase=phase, seconds=TOO_LATE_S),))
        late = rule("delay", PLACE, 0.5, count=2, phase=phase, seconds=TOO_LATE_S)
        yield Fault(f"delay {phase}", (late,), hold_s=TOO_LATE_S if phase == "before" else 0)
    yield Fault("delay a little", (rule("delay", PLACE, 0.5, seconds=0.3), rule("delay", READ, 0.02, seconds=0.2)))
    yield Fault("slow_drip", (rule("slow_drip", PLACE, 0.5, seconds=0.4), rule("slow_drip", READ, 0.02, seconds=0.2)))


def _refusals() -> Iterator[Fault]:
    """Errors that say what happened, and errors that do not."""
    for phase in ("before", "after"):
        yield Fault(f"status_unknown {phase}", (rule("status_unknown", PLACE, 0.5, phase=phase),))
        for status, code in ((500, -1000), (500, -1001), (503, -1008), (504, -1007), (400, -9999)):
            answer = {"status": status, "code": code}
            strikes = rule("error", PLACE, 0.5, phase=phase, **answer), rule("error", READ, 0.03, **answer)
            yield Fault(f"error {status} {code} {phase}", strikes)
    for kind in ("outside_recv_window", "reject_order"):
        yield Fault(kind, (rule(kind, PLACE, 0.5),))
    for kind in ("too_many_requests", "key_revoked", "maintenance", "firewall"):
        yield Fault(kind, (rule(kind, PLACE, 0.3), rule(kind, READ, 0.02)))
    yield Fault("ban", (rule("ban", PLACE, 0.2, seconds=90), rule("ban", READ, 0.01, seconds=90)))


def _stale_reads() -> Iterator[Fault]:
    """Reads that are behind, just when an answer was lost."""
    lost = rule("reset", PLACE, 0.5, phase="after")
    yield Fault("read_lag", (rule("read_lag", PLACE, 1, lag=40, seconds=60), lost))
    yield Fault("not_found_window", (rule("not_found_window", PLACE, 1, age=40, seconds=60), lost))
    yield Fault("stale_open_orders", (rule("stale_open_orders", PLACE, 1, seconds=60), lost))


def _candles() -> Iterator[Fault]:
    """Candles that are late, lacking, doubled, changed or absurd."""
    for kind in ("late", "missing", "duplicate", "revised", "zero_volume", "spike", "nan"):
        yield Fault(f"kline_{kind}", (rule(f"kline_{kind}", CANDLES, 0.4),))


def _cancels() -> Iterator[Fault]:
    """Limit orders whose placing or cancelling is not answered."""
    for kind in ("reset", "html", "status_unknown"):
        for phase in ("before", "after"):
            strikes = rule(kind, CANCEL, 0.5, phase=phase), rule(kind, PLACE, 0.2, phase=phase)
            yield Fault(f"cancel: {kind} {phase}", strikes, settings=LIMIT_ORDERS)
    lag = rule("read_lag", CANCEL, 1, lag=40, seconds=60), rule("reset", CANCEL, 0.5, phase="after")
    yield Fault("cancel: read_lag", lag, settings=LIMIT_ORDERS)


def _orders() -> Iterator[Fault]:
    """What others do to the account's orders, which rest."""
    owner = {"account": ACCOUNT, "symbol": SYMBOL}
    for kind in ("partial_fill", "expire_order", "exchange_cancel", "manual_cancel"):
        yield Fault(kind, (rule(kind, PLACE, 0.5, phase="after", **owner),), settings=LIMIT_ORDERS)
    filled = rule("fill_during_cancel", CANCEL, 0.7, phase="before", account=ACCOUNT)
    yield Fault("fill_during_cancel", (filled,), settings=LIMIT_ORDERS)
    by_hand = {"side": "BUY", "quantity": "0.003", "price": "", **owner}
    yield Fault("manual_order", (rule("manual_order", PLACE, 0.5, phase="after", **by_hand),))
    thin = {"risk": {"max_position_size_usd": 40_000}}
    yield Fault("thin book", options=("--depth", "1"), settings=thin)


def _accounts() -> Iterator[Fault]:
    """What the owner and the exchange do to the account."""
    coins = {"account": ACCOUNT, "asset": "BTC"}
    yield Fault("deposit", (rule("deposit", PLACE, 0.5, phase="after", amount="0.004", **coins),))
    yield Fault(
        "withdraw",
        (rule("withdraw", PLACE, 0.5, phase="after", amount="0.002", **coins),),
        takes_coins=True,
    )
    yield Fault("external_lock", (rule("external_lock", PLACE, 0.3, phase="after", amount="0.002", **coins),))
    bnb = ("--symbols", "BTC/USDT,BNB/USDT")
    pays = (
        rule("fee_asset_switch", PLACE, 0.5, account=ACCOUNT, pay_in_bnb=True),
        rule("fee_asset_switch", FUNDS, 0.3, account=ACCOUNT, pay_in_bnb=False),
    )
    yield Fault("fee_asset_switch", pays, balance={"BNB": "1"}, options=bnb)
    drained = rule("bnb_drained", FUNDS, 0.1, account=ACCOUNT)
    yield Fault("bnb_drained", (pays[0], drained), balance={"BNB": "0.01"}, options=bnb)


def _market() -> Iterator[Fault]:
    """What happens to the symbol and to the exchange's clock."""
    symbol = {"symbol": SYMBOL}
    trading = {"kind": "trading", **symbol}
    for kind in ("halt", "break", "cancel_only"):
        ends = rule("trading", CANDLES, 0.4, **symbol)
        yield Fault(kind, (rule(kind, FUNDS, 0.2, **symbol), ends), (trading,))
    coarse, fine = ({"filters": {"stepSize": step, "minQty": step}} for step in ("0.001", "0.00001"))
    change = (
        rule("filter_change", FUNDS, 0.3, **symbol, **coarse),
        rule("filter_change", CANDLES, 0.3, **symbol, **fine),
    )
    yield Fault("filter_change", change, ({"kind": "filter_change", **symbol, **fine},))
    yield Fault("spike", (rule("spike", PLACE, 0.3, phase="before", percent=3, **symbol),))
    skews = rule("clock_skew", CANDLES, 0.2, offset_ms=45_000), rule("clock_skew", PLACE, 0.2, offset_ms=-45_000)
    yield Fault("clock_skew", skews, ({"kind": "clock_skew", "offset_ms": 0},))


def _guards() -> Iterator[Fault]:
    """What happens to protection: its answers, its cancels, and what others do to it."""

    def fault(name: str, *rules: Rule) -> Fault:
        return Fault(f"protection: {name}", rules, settings=STOP_AND_TARGET)

    owner = {"account": ACCOUNT, "symbol": SYMBOL}
    for phase in ("before", "after"):
        for kind in ("reset", "half_json", "status_unknown"):
            strikes = rule(kind, PROTECT, 0.5, phase=phase), rule(kind, UNPROTECT, 0.5, phase=phase)
            yield fault(f"{kind} {phase}", *strikes)
    yield fault("refused", rule("reject_order", PROTECT, 0.5))
    yield fault(
        "read_lag", rule("read_lag", PROTECT, 0.5, lag=40, seconds=60), rule("reset", PROTECT, 0.3, phase="after")
    )
    for kind in ("manual_cancel", "expire_order", "exchange_cancel", "partial_fill"):
        yield fault(kind, rule(kind, CANDLES, 0.3, **owner))
    yield fault("partial_fill while cancelled", rule("partial_fill", UNPROTECT, 0.7, phase="before", **owner))
    yield fault("spike", rule("spike", CANDLES, 0.2, percent=-3, symbol=SYMBOL))


def storm(share: float) -> Fault:
    """Every answer that can be lost or garbled and every error, all at once: together they strike `share` of all calls.

    A key that is revoked is left out: it ends the bot, as it should.
    """
    calls = {"method": "*", "path": "/api/v3/*"}
    struck = {
        (one["kind"], one["phase"]): one
        for fault in (*_answers(), *_refusals())
        for one in ({"phase": "before", **rule} for rule in fault.rules)
        if one["kind"] not in {"key_revoked", "reject_order"}
    }
    chance = share / len(struck)
    rules = tuple({**one, **calls, "probability": chance, "count": None} for one in struck.values())
    return Fault("storm", rules, hold_s=TOO_LATE_S)


NONE: Final = Fault("none")
RESTING: Final = Fault("none, limit orders", settings=LIMIT_ORDERS)
GUARDED: Final = Fault("none, stop and target", settings=STOP_AND_TARGET)
FAULTS: Final[tuple[Fault, ...]] = (
    *_answers(), *_refusals(), *_stale_reads(), *_candles(), *_cancels(), *_orders(), *_accounts(), *_market(),
    *_guards(),
)  # fmt: skip
UNPLACED: Final = Fault(
    "protection lost", (rule("reset", PROTECT, 1, count=2, phase="before"),), settings=STOP_AND_TARGET
)
LOST: Final = Fault("answer lost", (rule("reset", PLACE, 1, count=2, phase="after"),))
