import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exchanges.verdict import Failure, Verdict, code_in, verdict_of

ROWS = [
    pytest.param(None, None, "NetworkError", "unknown", id="connection refused or reset"),
    pytest.param(None, None, "RequestTimeout", "unknown", id="answer too late"),
    pytest.param(200, None, "BadResponse", "unknown", id="200 with garbage"),
    pytest.param(200, -2010, "ExchangeError", "unknown", id="an error code in a 200"),
    pytest.param(500, None, "ExchangeNotAvailable", "unknown", id="500 empty"),
    pytest.param(502, None, "ExchangeNotAvailable", "unknown", id="502 page"),
    pytest.param(503, -1000, "OperationFailed", "unknown", id="503 unknown error"),
    pytest.param(503, -1008, "OperationFailed", "unknown", id="server busy"),
    pytest.param(504, None, "RequestTimeout", "unknown", id="504 page"),
    pytest.param(500, -1001, "OperationFailed", "unknown", id="internal error"),
    pytest.param(408, -1007, "RequestTimeout", "unknown", id="timeout waiting for the engine"),
    pytest.param(400, -1006, "OperationFailed", "unknown", id="unexpected response"),
    pytest.param(400, -1016, "ExchangeNotAvailable", "unknown", id="shutting down"),
    pytest.param(400, -9999, "ExchangeError", "unknown", id="unknown code"),
    pytest.param(500, -9999, "ExchangeError", "unknown", id="unknown code in a 500"),
    pytest.param(500, -2010, "InsufficientFunds", "unknown", id="a known code in a 500"),
    pytest.param(400, None, "ExchangeNotAvailable", "unknown", id="400 page"),
    pytest.param(409, -2021, "ExchangeError", "refused", id="cancel-replace failed in part"),
    pytest.param(400, -2010, "InsufficientFunds", "refused", id="insufficient balance"),
    pytest.param(400, -1102, "BadRequest", "refused", id="missing parameter"),
    pytest.param(400, -1121, "BadSymbol", "refused", id="invalid symbol"),
    pytest.param(400, -1013, "InvalidOrder", "refused: filter", id="filter"),
    pytest.param(400, -1111, "BadRequest", "refused: filter", id="too much precision"),
    pytest.param(400, -1021, "InvalidNonce", "refused: clock", id="timestamp outside recvWindow"),
    pytest.param(401, -2015, "AuthenticationError", "refused: key", id="invalid key, first time"),
    pytest.param(401, -2015, "DDoSProtection", "refused: key", id="invalid key, as ccxt sees it later"),
    pytest.param(401, -2014, "AuthenticationError", "refused: key", id="bad key format"),
    pytest.param(400, -1022, "AuthenticationError", "refused: key", id="bad signature"),
    pytest.param(429, -1003, "RateLimitExceeded", "refused: limit", id="too many requests"),
    pytest.param(429, -1015, "RateLimitExceeded", "refused: limit", id="too many orders"),
    pytest.param(418, None, "DDoSProtection", "refused: limit", id="banned"),
    pytest.param(403, None, "DDoSProtection", "refused: limit", id="firewall"),
    pytest.param(400, -2013, "OrderNotFound", "absent", id="order does not exist (yet)"),
    pytest.param(400, -2011, "OrderNotFound", "absent", id="cancel of an unknown order"),
    pytest.param(400, None, "InsufficientFunds", "refused", id="another exchange: no money"),
    pytest.param(400, None, "ExchangeError", "unknown", id="another exchange: anything"),
]


@pytest.mark.parametrize(("status", "code", "error", "verdict"), ROWS)
def test_every_known_failure_has_its_verdict(status, code, error, verdict):
    assert verdict_of(Failure(status, code, error, "")) == verdict


@pytest.mark.parametrize(
    ("status", "code", "error", "text", "verdict"),
    [
        pytest.param(400, -1013, "MarketClosed", "binance Market is closed.", Verdict.REFUSED_PAUSE, id="a pause"),
        pytest.param(400, -1013, "InvalidOrder", "Filter failure: LOT_SIZE", Verdict.REFUSED_FILTER, id="a filter"),
        pytest.param(503, -1013, "MarketClosed", "Market is closed.", Verdict.UNKNOWN, id="from a server in trouble"),
    ],
)
def test_a_closed_market_is_no_filter(status, code, error, text, verdict):
    assert verdict_of(Failure(status, code, error, text)) is verdict


@given(st.integers(500, 599), st.none() | st.integers(-10_000, 0), st.text(max_size=20))
def test_a_server_error_is_never_taken_for_a_refusal(status, code, error):
    assert verdict_of(Failure(status, code, error, "")) is Verdict.UNKNOWN


@given(st.none() | st.integers(100, 399), st.none() | st.integers(-10_000, 0), st.text(max_size=20))
def test_without_an_answer_of_refusal_there_is_doubt(status, code, error):
    assert verdict_of(Failure(status, code, error, "")) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param('binance {"code":-2010,"msg":"Account has insufficient balance"}', -2010, id="binance"),
        pytest.param('{"code": "-1013"}', -1013, id="as text"),
        pytest.param("<html>502</html>", None, id="a page"),
    ],
)
def test_the_code_is_read_from_the_answer(text, code):
    assert code_in(text) == code
