from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.server.params import CLIENT_ID, Params, decode_form, decode_json


class Colour(StrEnum):
    RED = "RED"


def code_of(read: object, values: dict[str, str]) -> int:
    with pytest.raises(ApiError) as refused:
        read(Params(values))  # type: ignore[operator]
    return refused.value.code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1", SCALE, id="whole"),
        pytest.param("0.00000001", 1, id="smallest"),
        pytest.param("1.500000000000", SCALE * 3 // 2, id="trailing zeros cost no precision"),
        pytest.param("007.5", 7 * SCALE + SCALE // 2, id="leading zeros"),
    ],
)
def test_an_amount_is_read_exactly(text: str, expected: int):
    assert Params({"price": text}).amount("price") == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("1e5", -1100, id="exponent"),
        pytest.param("-1", -1100, id="negative"),
        pytest.param("NaN", -1100, id="no number"),
        pytest.param("1,5", -1100, id="comma"),
        pytest.param("1\n", -1100, id="line end"),
        pytest.param("٣", -1100, id="other digits"),
        pytest.param("0.000000001", -1111, id="ninth decimal"),
        pytest.param("99999999999999", -1108, id="too large"),
        pytest.param("", -1105, id="empty"),
    ],
)
def test_other_amounts_are_refused(text: str, code: int):
    assert code_of(lambda params: params.amount("price"), {"price": text}) == code


@pytest.mark.parametrize(
    ("read", "values", "code"),
    [
        pytest.param(lambda p: p.need_text("symbol"), {}, -1102, id="missing"),
        pytest.param(lambda p: p.need_symbol(), {"symbol": ""}, -1102, id="empty symbol"),
        pytest.param(lambda p: p.need_symbol(), {"symbol": "btc"}, -1100, id="lower case"),
        pytest.param(lambda p: p.need_choice("side", Colour), {"side": "UP"}, -1117, id="side"),
        pytest.param(lambda p: p.need_choice("type", Colour), {"type": "X"}, -1116, id="order type"),
        pytest.param(lambda p: p.choice("timeInForce", Colour), {"timeInForce": "X"}, -1115, id="time in force"),
        pytest.param(lambda p: p.choice("interval", Colour), {"interval": "2m"}, -1120, id="interval"),
        pytest.param(lambda p: p.choice("colour", Colour), {"colour": "X"}, -1130, id="other set"),
        pytest.param(lambda p: p.limit(500, 1000), {"limit": "0"}, -1130, id="limit zero"),
        pytest.param(lambda p: p.integer("orderId"), {"orderId": "99999999999999999999"}, -1108, id="overflow"),
        pytest.param(lambda p: p.integer("orderId"), {"orderId": "-1"}, -1100, id="negative id"),
        pytest.param(lambda p: p.client_id("c"), {"c": "x" * 37}, -1100, id="long client id"),
        pytest.param(lambda p: p.client_id("c"), {"c": "a b"}, -1100, id="blank in client id"),
        pytest.param(lambda p: p.flag("f"), {"f": "yes"}, -1100, id="flag"),
        pytest.param(lambda p: p.symbols(), {"symbols": "BTCUSDT"}, -1100, id="symbols without brackets"),
        pytest.param(lambda p: p.symbols(), {"symbols": '["A","A"]'}, -1101, id="a symbol twice"),
        pytest.param(lambda p: p.symbols(), {"symbols": '["A"]', "symbol": "A"}, -1128, id="symbol and symbols"),
        pytest.param(lambda p: p.accept_only(frozenset({"a"})), {"a": "1", "b": "2"}, -1104, id="unread"),
    ],
)
def test_a_bad_parameter_has_binances_code(read: object, values: dict[str, str], code: int):
    assert code_of(read, values) == code


def test_a_limit_is_capped_and_has_a_default():
    assert Params({"limit": "5000"}).limit(500, 1000) == 1000
    assert Params({}).limit(500, 1000) == 500


def test_a_form_is_decoded_and_a_name_may_come_once():
    assert decode_form("a=1&b=%5B%22X%22%5D&c=a+b") == {"a": "1", "b": '["X"]', "c": "a b"}
    with pytest.raises(ApiError, match="Duplicate"):
        decode_form("a=1&a=2")


def test_json_parameters_become_the_text_that_rest_would_carry():
    values = {"a": 1, "b": True, "c": "x", "d": ["A", "B"], "e": None, "f": 0.5}
    assert decode_json(values) == {"a": "1", "b": "true", "c": "x", "d": '["A","B"]', "f": "0.5"}


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str):
    params = Params({"x": text})
    for read in (params.amount, params.integer, params.flag, params.client_id, params.symbol):
        try:
            read("x")
        except ApiError as refused:
            assert refused.code < 0  # noqa: PT017 - reading or refusing are both fine
    assert CLIENT_ID.startswith("^")
