"""The journal, the oracle, and saving: the same again, to the byte."""

import json
import random
from pathlib import Path

import orjson
import pytest

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.journal import Journal
from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.exchange import Exchange

KINDS = ("LIMIT", "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "trailing", "cancel")


def act(floor, dice):
    """Do one random thing; refusals are part of it."""
    account = dice.choice([floor.ann, floor.bob, floor.exchange.house])
    kind, price = dice.choice(KINDS), f"{dice.randint(9_950, 10_050) / 100:.2f}"
    values = {"quantity": f"{dice.randint(1, 2_000) / 1_000:.3f}"}
    floor.exchange.clock.advance_by(1_000)
    if kind == "cancel":
        orders = floor.exchange.open_orders(account)
        if orders:
            floor.exchange.cancel(account, "BTCUSDT", order_id=dice.choice(orders).order_id)
        return
    if kind in {"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT"}:
        values["price"] = price
    if kind == "trailing":
        kind, values["trailing_delta"] = "STOP_LOSS", 30
    elif kind.startswith(("STOP", "TAKE")):
        values["stop_price"] = f"{dice.randint(9_950, 10_050) / 100:.2f}"
    try:
        floor.place(account, dice.choice(["BUY", "SELL"]), kind, **values)
    except ApiError:
        return


def run(floor, steps, seed):
    dice = random.Random(seed)
    for _ in range(steps):
        act(floor, dice)
    return floor


def test_the_same_script_twice_gives_the_same_journal_to_the_byte(open_floor):
    first, second = (run(open_floor(), 1_500, seed=3).exchange.journal for _ in range(2))
    assert first.since(0) == second.since(0)
    assert first.digest == second.digest
    assert first.seq > 1_500


def test_another_script_gives_another_digest(open_floor):
    digests = {run(open_floor(), 50, seed=seed).exchange.journal.digest for seed in (1, 2)}
    assert len(digests) == 2


@pytest.mark.parametrize("seed", range(4))
def test_a_restored_exchange_goes_on_exactly_as_the_saved_one(open_floor, seed):
    original = run(open_floor(), 600, seed=seed)
    saved = original.exchange.save()
    market = original.exchange.market
    restored = type(original)(Exchange.restore(saved, market=lambda state, instruments: market))
    assert restored.exchange.save() == saved
    dice = [random.Random(99), random.Random(99)]
    for floor, mine in zip((original, restored), dice, strict=True):
        for _ in range(600):
            act(floor, mine)
    assert restored.exchange.journal.digest == original.exchange.journal.digest
    assert restored.exchange.save() == original.exchange.save()
    assert restored.exchange.oracle.check() == []


@pytest.mark.parametrize(
    ("saved", "sentence"),
    [
        pytest.param(b"nonsense", "no saved exchange", id="other bytes"),
        pytest.param(b'{"version": 99}', "version 99", id="another version"),
        pytest.param(b"[]", "version None", id="another shape"),
    ],
)
def test_what_is_no_saved_exchange_is_refused_in_a_sentence(floor, saved, sentence):
    with pytest.raises(ValueError, match=sentence):
        Exchange.restore(saved, market=lambda state, instruments: floor.exchange.market)


def test_the_journal_is_canonical_json_and_can_be_read_from_a_line_on(floor):
    floor.place(floor.ann, "BUY", quantity="1", price="100")
    floor.exchange.journal.record("request", {"b": 1, "a": 2})
    *_, order, last = floor.exchange.journal.since(0)
    seq, now_us = floor.exchange.journal.seq, floor.exchange.clock.now_us()
    assert last == b'{"data":{"a":2,"b":1},"kind":"request","seq":%d,"time_us":%d}' % (seq, now_us)
    assert orjson.loads(order)["data"]["locked"] == 100 * SCALE
    assert floor.exchange.journal.since(seq - 1) == [last]
    assert floor.exchange.journal.since(seq) == []


def test_a_journal_file_holds_every_line_though_memory_holds_the_newest(tmp_path):
    journal = Journal(lambda: 7, keep=2, path=tmp_path / "journal.jsonl")
    for number in range(5):
        journal.record("note", {"number": number})
    journal.close()
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line)["data"]["number"] for line in lines] == [0, 1, 2, 3, 4]
    assert journal.since(0) == lines[3:]


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        pytest.param(lambda x: setattr(x.account("ann").balance("BTC"), "free", 1), "ann holds", id="money vanished"),
        pytest.param(lambda x: setattr(x.account("ann").balance("USDT"), "locked", 1), "ann has 0.00000001 USDT locked", id="lock without an order"),
        pytest.param(lambda x: x.engine.desk.fees.update(BTC=5), "(fees) holds 0.00000005 BTC", id="fees from nowhere"),
    ],
)  # fmt: skip
def test_the_oracle_says_what_does_not_agree(open_floor, tamper, sentence):
    exchange = open_floor().exchange
    assert exchange.oracle.report()["ok"] is True
    tamper(exchange)
    assert any(sentence in wrong for wrong in exchange.oracle.check())
    assert exchange.oracle.report()["ok"] is False


def test_an_amount_beyond_64_bits_is_a_line_like_any_other():
    journal = Journal(lambda: 0)
    journal.record("balance_delta", {"delta": 2**70, "asset": "USDT"})
    assert json.loads(journal.since(0)[0]) == {
        "seq": 1,
        "time_us": 0,
        "kind": "balance_delta",
        "data": {"delta": 2**70, "asset": "USDT"},
    }


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the resident memory is read from /proc")
def test_a_kept_line_takes_no_more_memory_than_its_text():
    def resident_pages():
        return int(Path("/proc/self/statm").read_text().split()[1])

    journal, before = Journal(lambda: 0), resident_pages()
    for number in range(20_000):
        journal.record("order", {"client_id": f"id-{number}", "note": "n" * 200})
    assert (resident_pages() - before) * 4_096 < 40_000_000  # the lines are 6 MB; in orjson's own buffers 160 MB
