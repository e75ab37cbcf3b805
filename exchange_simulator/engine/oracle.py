"""The oracle: a double-entry ledger of its own, fed by events alone, that every balance must agree with.

Each fill is posted twice, to its account and to the clearing account, each commission to its payer and to the fee
account, each deposit to its account and to the world. So per asset everything sums to zero, the house included; and
because a trade has two sides that mirror each other, the clearing account must be empty after every trade.
"""

from collections import defaultdict

from exchange_simulator.engine.desk import Desk
from exchange_simulator.engine.events import BalanceDelta, Event, TradePrinted
from exchange_simulator.engine.numbers import to_text
from exchange_simulator.engine.orders import Fill, Side

WORLD = "(world)"
FEES = "(fees)"
CLEARING = "(clearing)"


class Oracle:
    """Compares the engine's balances with its own ledger.

    Args:
        desk: The engine's state; read by `check` only, never while posting.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ledger: defaultdict[tuple[str, str], int] = defaultdict(int)

    def on_event(self, event: Event) -> None:
        """Post what moved money."""
        if isinstance(event, TradePrinted):
            instrument = self._desk.books[event.trade.symbol].instrument
            for fill in (event.taker, event.maker):
                self._post_fill(fill, instrument.base, instrument.quote)
        elif isinstance(event, BalanceDelta) and not event.is_lock:
            self._post(event.account, WORLD, event.asset, event.delta)

    def balance(self, account: str, asset: str) -> int:
        """Return what the ledger says that an account has."""
        return self._ledger.get((account, asset), 0)

    def check(self) -> list[str]:
        """Return every disagreement as a sentence; none when all is well."""
        return [*self._unbalanced(), *self._wrong_balances(), *self._wrong_locks()]

    def report(self) -> dict[str, object]:
        """Return the verdict, the disagreements, and the totals by asset, ready for JSON."""
        wrong = self.check()
        totals: dict[str, dict[str, str]] = {}
        for (account, asset), amount in sorted(self._ledger.items()):
            totals.setdefault(asset, {})[account] = to_text(amount)
        return {"ok": not wrong, "differences": wrong, "ledger": totals}

    def state(self) -> list[list[object]]:
        """Return what `resume` needs."""
        return [[account, asset, amount] for (account, asset), amount in sorted(self._ledger.items())]

    def resume(self, state: list[tuple[str, str, int]]) -> None:
        """Go on with a saved ledger."""
        self._ledger = defaultdict(int, {(account, asset): amount for account, asset, amount in state})

    def _post(self, account: str, other: str, asset: str, amount: int) -> None:
        self._ledger[account, asset] += amount
        self._ledger[other, asset] -= amount

    def _post_fill(self, fill: Fill, base: str, quote: str) -> None:
        sign = 1 if fill.side is Side.BUY else -1
        self._post(fill.account, CLEARING, base, sign * fill.quantity)
        self._post(fill.account, CLEARING, quote, -sign * fill.quote)
        if fill.commission:
            self._post(fill.account, FEES, fill.commission_asset, -fill.commission)

    def _unbalanced(self) -> list[str]:
        sums: defaultdict[str, int] = defaultdict(int)
        for (_, asset), amount in self._ledger.items():
            sums[asset] += amount
        wrong = [f"{asset} does not sum to zero but to {to_text(total)}" for asset, total in sums.items() if total]
        return wrong + [
            f"the clearing account holds {to_text(amount)} {asset}: a trade had unequal sides"
            for (account, asset), amount in self._ledger.items()
            if account == CLEARING and amount
        ]

    def _wrong_balances(self) -> list[str]:
        held = {
            (account.name, asset): balance.free + balance.locked
            for account in self._desk.accounts.values()
            for asset, balance in account.balances.items()
        }
        held |= {(FEES, asset): amount for asset, amount in self._desk.fees.items()}
        mine = {place: amount for place, amount in self._ledger.items() if place[0] not in {WORLD, CLEARING}}
        return [
            f"{account} holds {to_text(held.get((account, asset), 0))} {asset}, "
            f"the ledger says {to_text(mine.get((account, asset), 0))}"
            for account, asset in sorted(held.keys() | mine.keys())
            if held.get((account, asset), 0) != mine.get((account, asset), 0)
        ]

    def _wrong_locks(self) -> list[str]:
        wrong = []
        for account in self._desk.accounts.values():
            needed = self._needed(account.name)
            for asset, balance in account.balances.items():
                expected = needed.get(asset, 0) + balance.outside
                if balance.locked != expected:
                    wrong.append(
                        f"{account.name} has {to_text(balance.locked)} {asset} locked, "
                        f"its open orders and outside locks need {to_text(expected)}"
                    )
                if balance.free < 0 and not account.is_house:
                    wrong.append(f"{account.name} has {to_text(balance.free)} {asset} free: less than nothing")
        return wrong

    def _needed(self, name: str) -> dict[str, int]:
        needed: defaultdict[str, int] = defaultdict(int)
        for symbol, orders in self._desk.accounts[name].open.items():
            book = self._desk.books.get(symbol)
            for order in orders.values():
                if book is not None:
                    instrument = book.instrument
                    needed[instrument.quote if order.side is Side.BUY else instrument.base] += order.locked
        return needed
