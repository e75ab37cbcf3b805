import pytest

from exchange_simulator.server.stream_names import Stream, StreamKind, parse_stream

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("btcusdt@trade", (StreamKind.TRADE, "BTCUSDT", 0, "", 0), id="trade"),
        pytest.param("btcusdt@aggTrade", (StreamKind.AGG_TRADE, "BTCUSDT", 0, "", 0), id="aggTrade"),
        pytest.param("btcusdt@bookTicker", (StreamKind.BOOK_TICKER, "BTCUSDT", 0, "", 0), id="bookTicker"),
        pytest.param("btcusdt@kline_1s", (StreamKind.KLINE, "BTCUSDT", SECOND, "1s", 0), id="kline of a second"),
        pytest.param("btcusdt@kline_1M", (StreamKind.KLINE, "BTCUSDT", 2 * SECOND, "1M", 0), id="kline of a month"),
        pytest.param("btcusdt@miniTicker", (StreamKind.MINI_TICKER, "BTCUSDT", SECOND, "", 0), id="miniTicker"),
        pytest.param("!miniTicker@arr", (StreamKind.MINI_TICKER, "", SECOND, "", 0), id="all mini tickers"),
        pytest.param("!ticker@arr", (StreamKind.TICKER, "", SECOND, "", 0), id="all tickers"),
        pytest.param("btcusdt@depth", (StreamKind.DEPTH_DIFF, "BTCUSDT", SECOND, "", 0), id="depth changes"),
        pytest.param("btcusdt@depth@100ms", (StreamKind.DEPTH_DIFF, "BTCUSDT", SECOND // 10, "", 0), id="fast depth"),
        pytest.param("btcusdt@depth20", (StreamKind.DEPTH_TOP, "BTCUSDT", SECOND, "", 20), id="top of the book"),
        pytest.param("btcusdt@depth5@100ms", (StreamKind.DEPTH_TOP, "BTCUSDT", SECOND // 10, "", 5), id="fast top"),
    ],
)
def test_a_stream_is_read_from_its_name(name: str, expected: tuple[StreamKind, str, int, str, int]):
    assert parse_stream(name) == Stream(name, *expected)


@pytest.mark.parametrize(
    "name", ["", "btcusdt", "BTCUSDT@trade", "btcusdt@kline_2m", "btcusdt@depth7", "btcusdt@depth@5ms", "!all@arr", "@"]
)
def test_other_names_are_no_streams(name: str):
    assert parse_stream(name) is None
