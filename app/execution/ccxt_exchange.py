"""Orders through ccxt: every answer checked, every failure judged, nothing sent twice."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import ccxt

from app.config.models import ExchangeConfig
from app.core.clock import Clock, SystemClock
from app.domain.errors import DataError, InsufficientFunds, KeyRevoked, OrderPostponed, OrderRejected, OutcomeUnknown
from app.domain.instrument import Instrument
from app.domain.reports import Balance, FillReport, GuardTicket, OrderReport, OrderTicket
from app.domain.values import Price, exact
from app.exchanges.abilities import abilities_of
from app.exchanges.budget import Lane, RequestBudget
from app.exchanges.ccxt_client import ccxt_client
from app.exchanges.gate import GateShutError, RequestGate
from app.exchanges.markets import Markets
from app.exchanges.time_difference import StepWatch, TimeDifference
from app.exchanges.verdict import Verdict
from app.execution.order_exchange import OrderExchange
from app.execution.wire import fill_report, guard_request, list_reports, order_report

ORDER_TIMEOUT_MS: Final = 15_000
RECV_WINDOW_MS: Final = 5_000  # a lost order cannot enter the engine later than this after its timestamp
REPEATED_WITHIN_MS: Final = 10_000
PAGE: Final = 1_000
DAY_MS: Final = 86_400_000
REFUSED_FOR_NOW: Final = frozenset({Verdict.REFUSED_LIMIT, Verdict.REFUSED_PAUSE, Verdict.REFUSED_CLOCK})


class CcxtExchange(OrderExchange):
    """An account at a ccxt exchange; see OrderExchange for what each method promises.

    Args:
        config: Exchange, address and key.
        order_timeout_ms: How long an answer is waited for.
        budget: Shared with everything else in this process that asks the same address; one of its own by default.
        clock: This machine's.
    """

    def __init__(
        self,
        config: ExchangeConfig,
        *,
        order_timeout_ms: int = ORDER_TIMEOUT_MS,
        budget: RequestBudget | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = config.name
        self._speaks_binance = config.name.startswith("binance")
        self._client = ccxt_client(
            config.name, sandbox=config.sandbox_mode, rest_url=config.rest_url, timeout_ms=order_timeout_ms,
            is_paced=not self._speaks_binance,
        )  # fmt: skip
        self._client.apiKey = config.api_key.get_secret_value()
        self._client.secret = config.api_secret.get_secret_value()
        self._client.number = str  # the exchange's own digits; `Decimal` would lose the fees of an order's answer
        self.abilities = abilities_of(self._client)
        self._clock = clock or SystemClock()
        self._gate = RequestGate(self._client, budget or RequestBudget(self._clock))
        self._markets = Markets(self._client, partial(self._read, "markets"), self._clock)
        self._difference = TimeDifference(self._ask_time, self._clock)
        self._steps = StepWatch(self._clock)

    @property
    def interruptions(self) -> int:
        """Also counts steps of this machine's clock."""
        self._watch_clock()
        return self._gate.budget.interruptions

    def place(self, ticket: OrderTicket) -> tuple[OrderReport, Sequence[FillReport]]:
        """One POST; only a known refusal is a refusal."""
        self.instrument(ticket.symbol)
        self._set_clock()
        what = f"{ticket.side} {ticket.quantity:f} {ticket.symbol}"
        quantity, price = self._on_the_wire(what, ticket)
        parameters = {"clientOrderId": ticket.client_id, **self._order_parameters()}
        post = partial(
            self._client.create_order, ticket.symbol, ticket.order_type, ticket.side, quantity, price, parameters
        )
        try:
            answer = self._post(post)
            report = order_report(answer, ticket.symbol, client_id=ticket.client_id if self._speaks_binance else None)
            return report, [fill_report(trade, ticket.symbol, report) for trade in answer.get("trades") or []]
        except Exception as error:
            raise self._order_error(what, ticket.symbol, error) from error

    def cancel(self, symbol: str, client_id: str, exchange_id: str | None) -> OrderReport | None:
        """One DELETE; a failure says nothing about the order."""
        identity = self._identity(client_id, exchange_id)
        try:
            self._set_clock()
            answer = self._gate.ask(lambda: self._client.cancel_order(exchange_id, symbol, identity), Lane.ORDER)
            return replace(order_report(answer, symbol), client_id=client_id)
        except DataError:
            return None
        except Exception as error:
            refusal = self._order_error(f"cancel {client_id}", symbol, error)
            if isinstance(refusal, KeyRevoked):
                raise refusal from error
            return None

    def place_guard(self, ticket: GuardTicket) -> Sequence[OrderReport]:
        """One POST, of an order or of a list."""
        self.instrument(ticket.symbol)
        self._set_clock()
        request = guard_request(ticket, self._client.market_id(ticket.symbol)) | self._order_parameters()
        send = self._client.privatePostOrder if ticket.list_id is None else self._client.privatePostOrderListOco
        try:
            return list_reports(self._client, self._post(partial(send, request)), ticket.symbol)
        except Exception as error:
            raise self._order_error(f"protect {ticket.quantity:f} {ticket.symbol}", ticket.symbol, error) from error

    def cancel_list(self, symbol: str, list_id: str) -> Sequence[OrderReport]:
        """One DELETE; a failure says nothing about the orders."""
        try:
            self._set_clock()
            request = {"symbol": self._client.market_id(symbol), "listClientOrderId": list_id}
            answer = self._gate.ask(partial(self._client.privateDeleteOrderList, request), Lane.ORDER)
            return list_reports(self._client, answer, symbol)
        except DataError:
            return []
        except Exception as error:
            refusal = self._order_error(f"cancel {list_id}", symbol, error)
            if isinstance(refusal, KeyRevoked):
                raise refusal from error
            return []

    def find(self, symbol: str, client_id: str, exchange_id: str | None) -> OrderReport | None:
        """By the exchange's id, else by ours."""
        found: OrderReport | None = self._read(
            f"order {client_id}",
            lambda: order_report(
                self._client.fetch_order(exchange_id, symbol, self._identity(client_id, exchange_id)), symbol
            ),
            lane=Lane.ORDER,
            absent=True,
        )
        return found

    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """All of the symbol's."""
        return self._orders("open orders", symbol, lambda: self._client.fetch_open_orders(symbol))

    def orders_since(self, symbol: str, since_ms: int) -> Sequence[OrderReport]:
        """One page: what is asked for is minutes old."""
        return self._orders("orders", symbol, lambda: self._client.fetch_orders(symbol, since_ms, PAGE))

    def fills_since(self, symbol: str, since_ms: int) -> Sequence[FillReport]:
        """Window by window of at most a day, as Binance allows, and page by page inside."""
        found: dict[str, FillReport] = {}
        now_ms = self.now_ms()
        while since_ms <= now_ms:
            until_ms = since_ms + DAY_MS - 1
            page = self._fills(symbol, since_ms, until_ms)
            new = {fill.trade_id: fill for fill in page if fill.trade_id not in found}
            found |= new
            whole_window = len(page) < PAGE or not new
            since_ms = until_ms + 1 if whole_window else max(fill.time_ms for fill in page)
        return sorted(found.values(), key=lambda fill: (fill.time_ms, fill.trade_id))

    def balances(self) -> dict[str, Balance]:
        """Free and locked of every asset."""

        def asked() -> dict[str, Balance]:
            answer = self._client.fetch_balance()
            free, used = answer["free"], answer["used"]
            return {
                asset: Balance(exact(free.get(asset) or 0), exact(used.get(asset) or 0)) for asset in answer["total"]
            }

        found: dict[str, Balance] = self._read("balances", asked)
        return found

    def instrument(self, symbol: str) -> Instrument:
        """From the exchange's filters."""
        return self._markets.instrument(symbol)

    def last_price(self, symbol: str) -> Price:
        """From its ticker."""
        last = self._read("the last price", lambda: exact(self._client.fetch_ticker(symbol)["last"]))
        if last <= 0:
            raise DataError(f"{self.name} answered {symbol} costs {last}: asked again in the next cycle")
        return Price(last)

    def now_ms(self) -> int:
        """Asked of the exchange, so that it is right also on a simulated one."""
        self._watch_clock()
        return self._difference.asked_ms()

    def time_ms(self) -> int:
        """By the difference with which requests are signed, while its last comparison is two minutes old at most."""
        self._watch_clock()
        computed_ms = self._difference.computed_ms()
        return self.now_ms() if computed_ms is None else computed_ms

    def get_ready(self, symbol: str) -> None:
        """Compare the clocks, and read the filters, before they are too old."""
        self._watch_clock()
        self._difference.renew()
        self._markets.instrument(symbol, soon=True)

    def _ask_time(self) -> int:
        return int(self._read("its time", lambda: int(self._client.fetch_time())))

    def _post(self, post: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Once; a second time only when the first was refused before the engine because our clock was off.

        Not long after the first: the machine slept, and the proof that the order never arrived counts from before.
        """
        wall_ms, monotonic_ms = self._clock.now_ms(), self._clock.monotonic_ms()
        try:
            return self._gate.ask(post, Lane.ORDER, places_order=True)
        except ccxt.BaseError as error:
            took_ms = max(self._clock.now_ms() - wall_ms, self._clock.monotonic_ms() - monotonic_ms)
            if self._gate.verdict(error) is not Verdict.REFUSED_CLOCK or took_ms > REPEATED_WITHIN_MS:
                raise
            self._difference.forget()
            self._set_clock()
            return self._gate.ask(post, Lane.ORDER, places_order=True)

    def _on_the_wire(self, what: str, ticket: OrderTicket) -> tuple[Any, Any]:
        """Quantity and price as ccxt wants them, once it is sure that they arrive to the last digit.

        Raises:
            OrderRejected: ccxt would send other numbers than the ledger holds; nothing was sent.
        """
        kind = str if self._speaks_binance else float  # others compute with it
        quantity = kind(f"{ticket.quantity:f}")
        price = None if ticket.price is None else kind(f"{ticket.price:f}")
        try:
            sent = [exact(self._client.amount_to_precision(ticket.symbol, quantity))]
            sent += [] if price is None else [exact(self._client.price_to_precision(ticket.symbol, price))]
        except (ccxt.BaseError, ArithmeticError, ValueError) as error:
            raise OrderRejected(f"{what} refused before sending: {error}") from error
        meant = [ticket.quantity, *([] if ticket.price is None else [ticket.price])]
        if sent != meant:
            self._markets.forget()
            raise OrderRejected(
                f"{what} refused before sending: it would leave as {', '.join(f'{number:f}' for number in sent)}"
            )
        return quantity, price

    def _watch_clock(self) -> None:
        if self._steps.stepped():
            self._difference.forget()
            self._gate.budget.note_step()

    def _set_clock(self) -> None:
        """Sign with the exchange's time."""
        self._watch_clock()
        self._client.options["timeDifference"] = self._difference.ms()

    def _order_parameters(self) -> dict[str, Any]:
        return {"recvWindow": RECV_WINDOW_MS} if self._speaks_binance else {}

    def _identity(self, client_id: str, exchange_id: str | None) -> dict[str, str]:
        return {} if exchange_id is not None else {"clientOrderId": client_id}

    def _order_error(self, what: str, symbol: str, error: Exception) -> OrderRejected | OutcomeUnknown | KeyRevoked:
        """The error to raise instead of ccxt's, or of whatever an absurd answer led to."""
        verdict = self._gate.verdict(error)
        text = f"{what}: {self.name} said: {error}"
        if verdict is Verdict.REVOKED:
            return KeyRevoked(f"{text}: check the API key, its rights and its list of addresses")
        if verdict in {Verdict.REFUSED_FILTER, Verdict.REFUSED_PAUSE}:
            self._markets.forget(symbol)
        if verdict in {Verdict.UNKNOWN, Verdict.ABSENT}:
            return OutcomeUnknown(text)
        if isinstance(error, ccxt.InsufficientFunds):
            return InsufficientFunds(text)
        return OrderPostponed(text) if verdict in REFUSED_FOR_NOW else OrderRejected(text)

    def _read(self, what: str, question: Callable[[], Any], *, lane: Lane = Lane.READ, absent: bool = False) -> Any:  # noqa: ANN401
        """Ask; an absent order is None where `absent` allows it; every other failure is a DataError."""
        try:
            return self._asked(question, lane)
        except GateShutError as error:
            raise DataError(str(error)) from None
        except ccxt.BaseError as error:
            verdict = self._gate.verdict(error)
            if absent and (verdict is Verdict.ABSENT or self._is_foreign_absence(error)):
                return None
            if verdict is Verdict.REVOKED:
                raise KeyRevoked(f"{self.name} refused to tell {what}: {error}: check the API key") from error
            raise DataError(f"{self.name} did not tell {what}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise DataError(f"{self.name} answered {what} with what cannot be: {error!r}") from error

    def _asked(self, question: Callable[[], Any], lane: Lane) -> Any:  # noqa: ANN401
        """Once; again when our clock was off and is right now: a question may be repeated."""
        try:
            return self._gate.ask(question, lane)
        except ccxt.BaseError as error:
            if self._gate.verdict(error) is not Verdict.REFUSED_CLOCK:
                raise
            self._difference.forget()
            self._set_clock()
            return self._gate.ask(question, lane)

    def _is_foreign_absence(self, error: ccxt.BaseError) -> bool:
        """Whether an exchange whose codes are not known here says that there is no such order."""
        is_answer = self._client.last_status is not None and self._client.last_status < 500
        return not self._speaks_binance and isinstance(error, ccxt.OrderNotFound) and is_answer

    def _orders(self, what: str, symbol: str, question: Callable[[], Any]) -> list[OrderReport]:
        return self._rows(what, question, lambda row: order_report(row, symbol))

    def _fills(self, symbol: str, since_ms: int, until_ms: int) -> list[FillReport]:
        ask = partial(self._client.fetch_my_trades, symbol, since_ms, PAGE, {"until": until_ms})
        return self._rows("trades", ask, lambda row: fill_report(row, symbol))

    def _rows(self, what: str, question: Callable[[], Any], report: Callable[[dict[str, Any]], Any]) -> list[Any]:
        """Every row of a list, or a DataError: a list that holds one absurd row is not believed."""

        def asked() -> list[Any]:
            rows = question()
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise ccxt.BadResponse(f"{type(rows).__name__} instead of rows")
            return [report(row) for row in rows]

        found: list[Any] = self._read(what, asked)
        return found
