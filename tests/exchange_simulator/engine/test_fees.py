"""Commission: in the received asset, or in BNB with a discount while there is enough of it."""

import pytest

from exchange_simulator.engine.numbers import parse, to_text

BOOK = (("SELL", "100", "5"), ("BUY", "99", "5"))


def paid(floor):
    return [(to_text(fill.commission), fill.commission_asset) for fill in floor.fills]


@pytest.mark.parametrize(
    ("side", "bnb", "expected"),
    [
        pytest.param("BUY", None, ("0.00100000", "BTC"), id="a buyer pays in base"),
        pytest.param("SELL", None, ("0.09900000", "USDT"), id="a seller pays in quote"),
        pytest.param("BUY", "1", ("0.00012500", "BNB"), id="a buyer pays in BNB with a discount"),
        pytest.param("SELL", "1", ("0.00012375", "BNB"), id="a seller pays in BNB with a discount"),
        pytest.param("BUY", "0.00012499", ("0.00100000", "BTC"), id="too little BNB: the whole fee falls back"),
    ],
)
def test_who_takes_pays_ten_basis_points(floor, side, bnb, expected):
    floor.quote(*BOOK)
    if bnb is not None:
        floor.exchange.set_fees(floor.ann, pay_in_bnb=True)
        floor.exchange.deposit(floor.ann, "BNB", parse(bnb))
    floor.place(floor.ann, side, "MARKET", quantity="1")
    assert paid(floor) == [expected]


def test_fees_can_differ_from_fill_to_fill_when_bnb_runs_out(floor):
    floor.quote(("SELL", "100", "1"), ("SELL", "101", "1"))
    floor.exchange.set_fees(floor.ann, pay_in_bnb=True)
    floor.exchange.deposit(floor.ann, "BNB", parse("0.0002"))
    floor.place(floor.ann, "BUY", "MARKET", quantity="2")
    assert [asset for _, asset in paid(floor)] == ["BNB", "BTC"]


def test_the_listed_bnb_price_counts(floor):
    floor.quote(*BOOK)
    for side in ("SELL", "BUY"):
        floor.place(floor.exchange.house, side, symbol="BNBUSDT", quantity="1", price="1200")
    floor.exchange.set_fees(floor.ann, pay_in_bnb=True)
    floor.exchange.deposit(floor.ann, "BNB", parse("1"))
    floor.place(floor.ann, "BUY", "MARKET", quantity="1")
    assert paid(floor) == [("0.00006250", "BNB")]


def test_selling_all_bnb_with_fees_in_bnb_falls_back_to_the_quote(floor):
    floor.quote()
    floor.place(floor.exchange.house, "BUY", symbol="BNBUSDT", quantity="5", price="600")
    floor.exchange.set_fees(floor.ann, pay_in_bnb=True)
    floor.exchange.deposit(floor.ann, "BNB", parse("1"))
    floor.place(floor.ann, "SELL", "MARKET", symbol="BNBUSDT", quantity="1")
    assert paid(floor) == [("0.60000000", "USDT")]
    assert floor.held(floor.ann, "BNB") == (0, 0)


def test_makers_and_takers_pay_their_own_rates_and_the_house_nothing(floor):
    floor.exchange.set_fees(floor.bob, maker_bp=2, taker_bp=8)
    floor.place(floor.bob, "SELL", quantity="1", price="100")
    floor.place(floor.exchange.house, "BUY", quantity="1", price="100")
    assert paid(floor) == [("0.00000000", "BTC")]
    maker = floor.exchange.my_trades(floor.bob, "BTCUSDT")[0]
    assert (to_text(maker.commission), maker.commission_asset, maker.is_maker) == ("0.02000000", "USDT", True)
