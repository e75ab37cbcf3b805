"""One door for all requests of a client: what the budget forbids does not leave."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import ccxt

from app.exchanges.budget import Lane, RequestBudget
from app.exchanges.verdict import Failure, Verdict, code_in, verdict_of

Answer = TypeVar("Answer")

_BANNED_UNTIL: Final = re.compile(r"until (\d{13})")
# How ccxt, and what reads its rows, fails on a field that is null, absent or no number.
_NO_SENSE: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
_BARE: Final = (ccxt.ExchangeError, ccxt.BaseError)  # itself, none of its named kinds


class GateShutError(Exception):
    """Nothing was sent: the exchange asked to be left alone, or the budget is used up."""


class GarbledAnswerError(ccxt.BadResponse):  # type: ignore[misc]
    """The exchange answered, with what makes no sense; after an order nobody knows what became of it."""


class RequestGate:
    """Passes requests to a guarded ccxt client and tells the budget what came back.

    Args:
        client: From `ccxt_client`.
        budget: Shared by all clients of the exchange's address.
    """

    def __init__(self, client: Any, budget: RequestBudget) -> None:  # noqa: ANN401  ccxt has no types
        self._client = client
        self.budget = budget
        client.on_headers = budget.note_headers
        client.on_limits = budget.note_limits

    def ask(self, request: Callable[[], Answer], lane: Lane = Lane.READ, *, places_order: bool = False) -> Answer:
        """Pass one request, and whatever makes sense of its answer: both fail in ccxt's tree of errors.

        Raises:
            GateShutError: nothing was sent.
            GarbledAnswerError: what came back made no sense.
            Exception: whatever else the request raised.
        """
        if reason := self.budget.refusal(lane, places_order=places_order):
            raise GateShutError(f"{self._client.id} {reason}")
        self._client.forget_answer()
        try:
            answer = request()
        except (ccxt.BaseError, *_NO_SENSE) as error:
            if not self._made_no_sense(error):
                self._note_failure(error)
                raise
            garbled = GarbledAnswerError(f"a garbled answer, {type(error).__name__}: {str(error)[:120]}")
            self._note_failure(garbled)
            raise garbled from error
        self.budget.note_success()
        return answer

    def verdict(self, error: Exception) -> Verdict:
        """What the failure of the last request means."""
        if isinstance(error, GateShutError):
            return Verdict.REFUSED_LIMIT
        if not isinstance(error, ccxt.BaseError):
            return Verdict.UNKNOWN
        return verdict_of(
            Failure(self._client.last_status, self._code_of(error), type(error).__name__, str(error)),
        )

    def _made_no_sense(self, error: Exception) -> bool:
        """Whether an answer came that looked like one, and whoever read it stumbled."""
        if type(error) in _BARE:
            return bool(self._client.was_accepted)
        return isinstance(error, _NO_SENSE) and self._client.last_status is not None

    def _code_of(self, error: Exception) -> int | None:
        """Of ccxt or from the answer itself: ccxt drops the code from the texts that it knows by heart."""
        code: int | None = self._client.last_code
        return code_in(str(error)) if code is None else code

    def _note_failure(self, error: Exception) -> None:
        verdict, text = self.verdict(error), str(error)
        if verdict is Verdict.UNKNOWN:
            self.budget.note_doubt()
        elif verdict is Verdict.REFUSED_LIMIT:
            headers = self._client.last_response_headers or {}
            seconds = next((str(value) for key, value in headers.items() if key.lower() == "retry-after"), "")
            named = _BANNED_UNTIL.search(text)
            self.budget.note_limit(
                self._code_of(error),
                int(seconds) if seconds.isdigit() else None,
                int(named.group(1)) if named else None,
            )
        else:
            self.budget.note_success()
