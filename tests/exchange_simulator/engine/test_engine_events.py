"""What listeners hear, and in which order."""

from exchange_simulator.engine.events import BalanceChanged, BookChanged, OrderUpdate, TradePrinted
from exchange_simulator.engine.numbers import parse
from exchange_simulator.engine.orders import ExecutionType


def test_a_trade_is_told_to_both_sides_then_to_everyone_then_the_levels_and_balances(floor):
    floor.place(floor.ann, "BUY", quantity="1", price="100")
    floor.events.clear()
    floor.place(floor.bob, "SELL", quantity="0.4", price="100")
    told = [
        (type(event).__name__, getattr(event, "execution", None), getattr(event, "account", None))
        for event in floor.events
    ]
    assert told == [
        ("OrderUpdate", ExecutionType.NEW, "bob"),
        ("OrderUpdate", ExecutionType.TRADE, "ann"),
        ("OrderUpdate", ExecutionType.TRADE, "bob"),
        ("TradePrinted", None, None),
        ("BookChanged", None, None),
        ("BalanceChanged", None, "bob"),
        ("BalanceChanged", None, "ann"),
    ]


def test_only_the_first_fill_of_an_order_is_marked_as_such(floor):
    floor.place(floor.ann, "BUY", quantity="1", price="100")
    for _ in range(2):
        floor.place(floor.exchange.house, "SELL", quantity="0.5", price="100")
    fills = [event for event in floor.events if isinstance(event, OrderUpdate) and event.fill]
    assert [event.is_first_fill for event in fills] == [True, False]


def test_a_cancel_carries_its_own_client_id_and_the_orders(floor):
    order = floor.place(floor.ann, "BUY", quantity="1", price="100", client_id="mine")
    floor.exchange.cancel(floor.ann, "BTCUSDT", order_id=order.order_id, new_client_id="away")
    new, canceled = (event for event in floor.events if isinstance(event, OrderUpdate))
    assert (new.client_id, new.original_client_id) == ("mine", "")
    assert (canceled.client_id, canceled.original_client_id) == ("away", "mine")


def test_level_changes_rebuild_the_book_without_gaps_in_their_ids(floor):
    bids, asks, last_id = {}, {}, 0

    def listen(event):
        nonlocal last_id
        if isinstance(event, BookChanged):
            assert event.first_update_id == last_id + 1
            last_id = event.last_update_id
            for mine, changed in ((bids, event.bids), (asks, event.asks)):
                mine.update(changed)

    floor.exchange.subscribe(listen)
    floor.quote(("SELL", "101", "1"), ("SELL", "102", "2"), ("BUY", "99", "1"), ("BUY", "98", "3"))
    floor.place(floor.ann, "BUY", quantity="1.5", price="102")
    floor.exchange.cancel_all(floor.exchange.house, "BTCUSDT")
    floor.place(floor.bob, "SELL", quantity="0.2", price="105")
    book = floor.exchange.depth("BTCUSDT")
    assert {price: quantity for price, quantity in asks.items() if quantity} == dict(book.asks)
    assert {price: quantity for price, quantity in bids.items() if quantity} == dict(book.bids)
    assert last_id == book.last_update_id == floor.exchange.last_update_id("BTCUSDT")


def test_the_house_is_not_reported_but_its_trades_are(floor):
    floor.trade_at("100")
    assert not [event for event in floor.events if isinstance(event, OrderUpdate | BalanceChanged)]
    (printed,) = (event for event in floor.events if isinstance(event, TradePrinted))
    assert (printed.trade.price, printed.trade.is_buyer_maker) == (parse("100"), False)


def test_who_has_unsubscribed_hears_nothing_more(floor):
    heard = []
    stop = floor.exchange.subscribe(heard.append)
    stop()
    floor.place(floor.ann, "BUY", quantity="1", price="100")
    assert heard == []


def test_the_best_quote_follows_the_book(floor):
    assert floor.exchange.book_ticker("BTCUSDT")[1:] == (0, 0, 0, 0)
    floor.quote(("SELL", "101", "1"), ("SELL", "102", "2"), ("BUY", "99", "4"))
    expected = tuple(parse(text) for text in ("99", "4", "101", "1"))
    assert floor.exchange.book_ticker("BTCUSDT")[1:] == expected
