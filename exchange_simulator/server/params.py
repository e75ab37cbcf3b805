"""Request parameters, read with Binance's rules and refused with Binance's texts (errors.md, 11xx)."""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote_plus

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.market.intervals import MINUTE_US

INTEGER = r"^[0-9]{1,20}$"
AMOUNT = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
BOOLEAN = r"^(true|false)$"

MAX_LONG = 2**63 - 1
MAX_AMOUNT = 10**10 * SCALE
_DECIMALS = 8
_PATTERNS = {pattern: re.compile(pattern) for pattern in (INTEGER, AMOUNT, CLIENT_ID, SYMBOL, BOOLEAN)}

E_ = TypeVar("E_", bound=StrEnum)

ENUM_REFUSALS: dict[str, tuple[int, str]] = {
    "side": (-1117, "Invalid side."),
    "type": (-1116, "Invalid orderType."),
    "aboveType": (-1116, "Invalid orderType."),
    "belowType": (-1116, "Invalid orderType."),
    "timeInForce": (-1115, "Invalid timeInForce."),
    "aboveTimeInForce": (-1115, "Invalid timeInForce."),
    "belowTimeInForce": (-1115, "Invalid timeInForce."),
    "stopLimitTimeInForce": (-1115, "Invalid timeInForce."),
    "interval": (-1120, "Invalid interval."),
}
"""The codes of their own that some closed sets have; all others answer -1130."""


def missing(name: str) -> ApiError:
    """Return the refusal of a request without a mandatory parameter."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def either_missing(first: str, second: str) -> ApiError:
    """Return the refusal of a request with neither of two parameters."""
    return ApiError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def illegal(name: str, pattern: str) -> ApiError:
    """Return the refusal of a value that is not of its parameter's form."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def invalid(name: str) -> ApiError:
    """Return the refusal of a well-formed value that means nothing."""
    return ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")


def not_required(name: str) -> ApiError:
    """Return the refusal of a parameter that this order type does not take."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def decode_form(text: str) -> dict[str, str]:
    """Read `a=1&b=2` with percent-encoding.

    Raises:
        ApiError: -1101 when a name comes twice.
    """
    values: dict[str, str] = {}
    for pair in text.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = unquote_plus(name), unquote_plus(value)
        if name in values:
            raise ApiError(-1101, "Duplicate values for a parameter detected.")
        values[name] = value
    return values


def decode_json(values: Mapping[str, object]) -> dict[str, str]:
    """Turn the `params` of a WebSocket API request into the strings that REST would carry."""
    return {name: _as_text(name, value) for name, value in values.items() if value is not None}


def _as_text(name: str, value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case list():
            return json.dumps(value, separators=(",", ":"))
        case _:
            raise invalid(name)


class Params:
    """The parameters of one request: strings by name, read by type."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return bool(self._values.get(name))

    def raw(self) -> Mapping[str, str]:
        """Return everything that was sent, as it came."""
        return self._values

    def accept_only(self, names: frozenset[str]) -> None:
        """Refuse parameters that the endpoint does not know.

        Raises:
            ApiError: -1104 with the number of known and sent parameters.
        """
        sent = len(self._values)
        read = sum(1 for name in self._values if name in names)
        if read < sent:
            raise ApiError(
                -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
            )

    def text(self, name: str, pattern: str | None = None) -> str | None:
        """Return an optional string of the form `pattern`.

        Raises:
            ApiError: -1105 when it was sent empty, -1100 when it has another form.
        """
        value = self._values.get(name)
        if value is None:
            return None
        if not value:
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        if pattern is not None and _PATTERNS[pattern].fullmatch(value) is None:
            raise illegal(name, pattern)
        return value

    def need_text(self, name: str, pattern: str | None = None) -> str:
        """Return a mandatory string. -1102 when it is missing or empty."""
        if not self._values.get(name):
            raise missing(name)
        value = self.text(name, pattern)
        assert value is not None  # noqa: S101 - the line above excludes it
        return value

    def integer(self, name: str) -> int | None:
        """Return an optional whole number. -1100 when it is none, -1108 when it needs more than 63 bits."""
        value = self.text(name, INTEGER)
        if value is None:
            return None
        number = int(value)
        if number > MAX_LONG:
            raise ApiError(-1108, f"Parameter '{name}' overflowed.")
        return number

    def limit(self, default: int, maximum: int) -> int:
        """Return `limit`, capped as Binance caps it. -1130 when it is zero."""
        value = self.integer("limit")
        if value is None:
            return default
        if value == 0:
            raise invalid("limit")
        return min(value, maximum)

    def amount(self, name: str) -> int | None:
        """Return an optional price or quantity in units of 1e-8.

        Raises:
            ApiError: -1100 when it is no plain decimal number, -1111 with more than 8 decimals, -1108 beyond 1e10.
        """
        value = self.text(name, AMOUNT)
        if value is None:
            return None
        whole, _, fraction = value.partition(".")
        if len(fraction.rstrip("0")) > _DECIMALS:
            raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
        number = int(whole) * SCALE + int(fraction[:_DECIMALS].ljust(_DECIMALS, "0"))
        if number > MAX_AMOUNT:
            raise ApiError(-1108, f"Parameter '{name}' overflowed.")
        return number

    def need_amount(self, name: str) -> int:
        """Return a mandatory price or quantity in units of 1e-8. -1102 when it is missing."""
        if not self._values.get(name):
            raise missing(name)
        return self.amount(name) or 0

    def choice(self, name: str, kind: type[E_]) -> E_ | None:
        """Return an optional member of a closed set; anything else answers the set's own code (`ENUM_REFUSALS`)."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return kind(value)
        except ValueError:
            code, message = ENUM_REFUSALS.get(name, (-1130, f"Data sent for parameter '{name}' is not valid."))
            raise ApiError(code, message) from None

    def need_choice(self, name: str, kind: type[E_]) -> E_:
        """Return a mandatory member of a closed set. -1102 when it is missing."""
        if not self._values.get(name):
            raise missing(name)
        value = self.choice(name, kind)
        assert value is not None  # noqa: S101 - the line above excludes it
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return an optional `true` or `false`."""
        value = self.text(name, BOOLEAN)
        return default if value is None else value == "true"

    def symbol(self, name: str = "symbol") -> str | None:
        """Return an optional symbol of legal characters; whether it is listed, the exchange says."""
        return self.text(name, SYMBOL)

    def need_symbol(self, name: str = "symbol") -> str:
        """Return a mandatory symbol of legal characters. -1102 when it is missing."""
        return self.need_text(name, SYMBOL)

    def symbols(self) -> list[str] | None:
        """Return `symbols=["A","B"]`. -1100 for another form, -1101 for repetitions, -1128 next to `symbol`."""
        value = self.text("symbols")
        if value is None:
            return None
        if "symbol" in self:
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        try:
            names = json.loads(value)
        except (ValueError, RecursionError):
            raise _illegal_symbols() from None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise _illegal_symbols()
        if len(set(names)) < len(names):
            raise ApiError(-1101, "Duplicate values for parameter 'symbols'.")
        if any(_PATTERNS[SYMBOL].fullmatch(name) is None for name in names):
            raise _illegal_symbols()
        return names

    def utc_offset_us(self, name: str) -> int:
        """Return an optional time zone like `-1:00`, `05:45` or `8` as its distance from UTC; 0 when not sent.

        Raises:
            ApiError: -1130 when it is none, or outside of -12:00 to +14:00.
        """
        value = self.text(name)
        if value is None:
            return 0
        parts = re.fullmatch(r"([+-]?)([0-9]{1,2})(?::([0-5][0-9]))?", value)
        if parts is None:
            raise invalid(name)
        minutes = (int(parts[2]) * 60 + int(parts[3] or 0)) * (-1 if parts[1] == "-" else 1)
        if not -12 * 60 <= minutes <= 14 * 60:
            raise invalid(name)
        return minutes * MINUTE_US

    def client_id(self, name: str) -> str | None:
        """Return an optional client order id. -1100 when it has other than 1 to 36 letters, digits, '-' and '_'."""
        return self.text(name, CLIENT_ID)


def _illegal_symbols() -> ApiError:
    return illegal("symbols", r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$')
