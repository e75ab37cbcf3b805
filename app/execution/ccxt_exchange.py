"""Orders through ccxt: every answer checked, every failure judged, nothing sent twice."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import ccxt

from app.config.models import ExchangeConfig
from app.core.clock import SystemClock
from app.domain.errors import DataError, KeyRevoked, OrderRejected, OutcomeUnknown
from app.domain.instrument import Instrument
from app.domain.order import OrderEvent
from app.domain.reports import Balance, FillReport, OrderReport, OrderTicket
from app.domain.values import Money, Price, Quantity, exact
from app.exchanges.ccxt_client import ccxt_client
from app.exchanges.gate import GateShutError, RequestGate
from app.exchanges.instruments import instrument_of
from app.exchanges.verdict import Verdict
from app.execution.order_exchange import OrderExchange

ORDER_TIMEOUT_MS: Final = 15_000
RECV_WINDOW_MS: Final = 5_000  # a lost order cannot enter the engine later than this after its timestamp
INSTRUMENT_AGE_MS: Final = 3_600_000
CLOCK_AGE_MS: Final = 600_000
CLOCK_SAMPLES: Final = 3
PAGE: Final = 1_000
DAY_MS: Final = 86_400_000
EVENTS: Final = {
    "open": OrderEvent.ACCEPT,
    "closed": OrderEvent.COMPLETE,
    "canceled": OrderEvent.CANCEL,
    "canceling": OrderEvent.ACCEPT,
    "expired": OrderEvent.EXPIRE,
    "expired_in_match": OrderEvent.EXPIRE,
    "rejected": OrderEvent.REJECT,
}


class CcxtExchange(OrderExchange):
    """An account at a ccxt exchange; see OrderExchange for what each method promises.

    Args:
        config: Exchange, address and key.
        order_timeout_ms: How long an answer is waited for.
    """

    def __init__(self, config: ExchangeConfig, *, order_timeout_ms: int = ORDER_TIMEOUT_MS) -> None:
        self.name = config.name
        self._client = ccxt_client(
            config.name, sandbox=config.sandbox_mode, rest_url=config.rest_url, timeout_ms=order_timeout_ms
        )
        self._client.apiKey = config.api_key.get_secret_value()
        self._client.secret = config.api_secret.get_secret_value()
        self.finds_by_client_id = self._client.id.startswith("binance")
        self._clock = SystemClock()
        self._gate = RequestGate(self._client, self._clock)
        self._instruments: dict[str, tuple[int, Instrument]] = {}
        self._clock_set_ms: int | None = None

    def place(self, ticket: OrderTicket) -> tuple[OrderReport, Sequence[FillReport]]:
        """One POST; only a known refusal is a refusal."""
        self.instrument(ticket.symbol)
        self._set_clock()
        parameters = {"clientOrderId": ticket.client_id, **self._order_parameters()}
        price = None if ticket.price is None else float(ticket.price)
        post = partial(
            self._client.create_order,
            ticket.symbol,
            ticket.order_type,
            ticket.side,
            float(ticket.quantity),
            price,
            parameters,
        )
        try:
            answer = self._post(post)
            report = self._order(answer, ticket.symbol)
            return report, [self._fill(trade, report) for trade in answer.get("trades") or []]
        except Exception as error:
            raise self._order_error(f"{ticket.side} {ticket.quantity:f} {ticket.symbol}", error) from error

    def cancel(self, symbol: str, client_id: str, exchange_id: str | None) -> None:
        """One DELETE; a failure says nothing about the order."""
        try:
            self._gate.ask(
                lambda: self._client.cancel_order(exchange_id, symbol, self._identity(client_id, exchange_id))
            )
        except Exception as error:
            refusal = self._order_error(f"cancel {client_id}", error)
            if isinstance(refusal, KeyRevoked):
                raise refusal from error

    def find(self, symbol: str, client_id: str, exchange_id: str | None) -> OrderReport | None:
        """By the exchange's id, else by ours."""
        found: OrderReport | None = self._read(
            f"order {client_id}",
            lambda: self._order(
                self._client.fetch_order(exchange_id, symbol, self._identity(client_id, exchange_id)), symbol
            ),
            absent=True,
        )
        return found

    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """All of the symbol's."""
        rows = self._read("open orders", lambda: self._client.fetch_open_orders(symbol))
        return [self._order(row, symbol) for row in self._rows("open orders", rows)]

    def orders_since(self, symbol: str, since_ms: int) -> Sequence[OrderReport]:
        """One page: what is asked for is minutes old."""
        rows = self._read("orders", lambda: self._client.fetch_orders(symbol, since_ms, PAGE))
        return [self._order(row, symbol) for row in self._rows("orders", rows)]

    def fills_since(self, symbol: str, since_ms: int) -> Sequence[FillReport]:
        """Window by window of at most a day, as Binance allows, and page by page inside."""
        found: dict[str, FillReport] = {}
        now_ms = self.now_ms()
        while since_ms <= now_ms:
            until_ms = since_ms + DAY_MS - 1
            ask = partial(self._client.fetch_my_trades, symbol, since_ms, PAGE, {"until": until_ms})
            page = [self._fill({**row, "symbol": symbol}) for row in self._rows("trades", self._read("trades", ask))]
            new = {fill.trade_id: fill for fill in page if fill.trade_id not in found}
            found |= new
            whole_window = len(page) < PAGE or not new
            since_ms = until_ms + 1 if whole_window else max(fill.time_ms for fill in page)
        return sorted(found.values(), key=lambda fill: (fill.time_ms, fill.trade_id))

    def balances(self) -> dict[str, Balance]:
        """Free and locked of every asset."""
        answer = self._read("balances", self._client.fetch_balance)
        total = answer.get("total") if isinstance(answer, dict) else None
        if not isinstance(total, dict):
            raise DataError(f"{self.name} answered balances that cannot be: asked again in the next cycle")
        return {
            asset: Balance(exact(answer["free"].get(asset) or 0), exact(answer["used"].get(asset) or 0))
            for asset in total
        }

    def instrument(self, symbol: str) -> Instrument:
        """From the exchange's filters."""
        now_ms = self._clock.now_ms()
        known = self._instruments.get(symbol)
        if known is None or now_ms - known[0] > INSTRUMENT_AGE_MS:
            markets = self._read("markets", lambda: self._client.load_markets(bool(self._client.markets)))
            self._instruments[symbol] = (now_ms, instrument_of(markets, symbol, self.name))
        return self._instruments[symbol][1]

    def now_ms(self) -> int:
        """Asked of the exchange, so that it is right also on a simulated one."""
        return int(self._read("its time", self._client.fetch_time))

    def _post(self, post: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Once; a second time only when the first was refused before the engine because our clock was off."""
        try:
            return self._gate.ask(post)
        except ccxt.BaseError as error:
            if self._gate.verdict(error) is not Verdict.REFUSED_CLOCK:
                raise
            self._clock_set_ms = None
            self._set_clock()
            return self._gate.ask(post)

    def _set_clock(self) -> None:
        """Measure how far the exchange's clock is from ours, from the sample with the shortest round trip."""
        now_ms = self._clock.now_ms()
        if self._clock_set_ms is not None and 0 <= now_ms - self._clock_set_ms < CLOCK_AGE_MS:
            return
        samples = []
        for _ in range(CLOCK_SAMPLES):
            asked_ms = self._clock.now_ms()
            exchange_ms = self.now_ms()
            trip_ms = self._clock.now_ms() - asked_ms
            samples.append((trip_ms, asked_ms + trip_ms // 2 - exchange_ms))
        self._client.options["timeDifference"] = min(samples)[1]
        self._clock_set_ms = now_ms

    def _order_parameters(self) -> dict[str, Any]:
        return {"recvWindow": RECV_WINDOW_MS} if self._client.id.startswith("binance") else {}

    def _identity(self, client_id: str, exchange_id: str | None) -> dict[str, str]:
        return {} if exchange_id is not None else {"clientOrderId": client_id}

    def _order_error(self, what: str, error: Exception) -> OrderRejected | OutcomeUnknown | KeyRevoked:
        """The error to raise instead of ccxt's, or of whatever an absurd answer led to."""
        verdict = self._gate.verdict(error)
        text = f"{what}: {self.name} said: {error}"
        if verdict is Verdict.REVOKED:
            return KeyRevoked(f"{text}: check the API key, its rights and its list of addresses")
        if verdict is Verdict.REFUSED_FILTER:
            self._instruments.clear()
        if verdict in {Verdict.UNKNOWN, Verdict.ABSENT}:
            return OutcomeUnknown(text)
        return OrderRejected(text)

    def _read(self, what: str, question: Callable[[], Any], *, absent: bool = False) -> Any:  # noqa: ANN401
        """Ask; an absent order is None where `absent` allows it; every other failure is a DataError."""
        try:
            return self._gate.ask(question)
        except GateShutError as error:
            raise DataError(str(error)) from None
        except ccxt.BaseError as error:
            verdict = self._gate.verdict(error)
            if absent and verdict is Verdict.ABSENT:
                return None
            if verdict is Verdict.REVOKED:
                raise KeyRevoked(f"{self.name} refused to tell {what}: {error}: check the API key") from error
            raise DataError(f"{self.name} did not tell {what}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise DataError(f"{self.name} answered {what} with what cannot be: {error!r}") from error

    def _rows(self, what: str, rows: object) -> list[dict[str, Any]]:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise DataError(f"{self.name} answered {what} with {type(rows).__name__}: asked again in the next cycle")
        return rows

    def _order(self, row: dict[str, Any], symbol: str) -> OrderReport:
        """Checked: an order without id, state or numbers is none."""
        event = EVENTS.get(str(row.get("status")))
        if not row.get("id") or event is None or row.get("amount") is None or row.get("filled") is None:
            raise ccxt.BadResponse(f"{self.name} answered an order that is none: {str(row.get('info'))[:80]}")
        quantity, filled = Quantity(exact(row["amount"])), Quantity(exact(row["filled"]))
        if event is OrderEvent.ACCEPT and filled > 0:
            event = OrderEvent.FILL
        return OrderReport(
            exchange_id=str(row["id"]),
            client_id=row.get("clientOrderId"),
            symbol=symbol,
            side=str(row["side"]),
            event=event,
            quantity=quantity,
            filled=filled,
            created_ms=int(row.get("timestamp") or row.get("lastTradeTimestamp") or 0),
        )

    def _fill(self, row: dict[str, Any], order: OrderReport | None = None) -> FillReport:
        """Checked; an order's own answer names its trades without order, side and time."""
        symbol = order.symbol if order else str(row["symbol"])
        fee = row.get("fee") or {}
        if not row.get("id") or not row.get("price") or not row.get("amount"):
            raise ccxt.BadResponse(f"{self.name} answered a trade that is none: {str(row.get('info'))[:80]}")
        return FillReport(
            trade_id=str(row["id"]),
            exchange_id=order.exchange_id if order else str(row["order"]),
            symbol=symbol,
            side=order.side if order else str(row["side"]),
            price=Price(exact(row["price"])),
            quantity=Quantity(exact(row["amount"])),
            fee=Money(exact(fee.get("cost") or 0)),
            fee_asset=str(fee.get("currency") or symbol.rsplit("/", maxsplit=1)[-1]),
            time_ms=int(row.get("timestamp") or (order.created_ms if order else 0)),
        )
