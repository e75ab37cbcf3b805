"""The admin port: journal, faults, clock, oracle, saving."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exchange_simulator.server.admin import AdminPort
from exchange_simulator.server.faults.kinds import KINDS
from exchange_simulator.server.running import RunningExchange


class Admin:
    """A client of the admin port."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        async with self.session.request(method, self.url + path, json=body) as response:
            text = await response.text()
            return response.status, json.loads(text) if response.content_type == "application/json" else text


@pytest.fixture
async def admin(client: Any, server: RunningExchange, tmp_path: Path) -> AsyncIterator[Admin]:
    saved = tmp_path / "state"

    def save() -> str:
        saved.write_bytes(server.exchange.save())
        return str(saved)

    port = AdminPort(server.server, save)
    number = await port.start(0)
    yield Admin(f"http://127.0.0.1:{number}/admin", client.session)
    await port.stop()


async def test_the_journal_is_read_from_any_line_on(client: Any, admin: Admin):
    await client.market("BUY", "0.01")
    _, text = await admin.ask("GET", "/journal")
    lines = [json.loads(line) for line in text.splitlines()]
    assert any("/api/v3/order" in line for line in text.splitlines())
    _, rest = await admin.ask("GET", f"/journal?since={len(lines) - 1}")
    assert len(rest.splitlines()) == 1
    assert (await admin.ask("GET", "/journal?since=x"))[0] == 400


async def test_faults_are_put_up_listed_and_taken_down(client: Any, admin: Admin):
    status, rule = await admin.ask("POST", "/faults", {"kind": "error", "path": "/api/v3/time", "status": 500})
    assert (status, rule["kind"], rule["fired"]) == (200, "error", 0)
    assert (await client.get("/api/v3/time"))["code"] == -1000
    _, rules = await admin.ask("GET", "/faults")
    assert [(one["id"], one["fired"]) for one in rules] == [(rule["id"], 1)]
    assert (await admin.ask("DELETE", f"/faults/{rule['id']}"))[0] == 200
    assert (await admin.ask("DELETE", f"/faults/{rule['id']}"))[0] == 404
    await admin.ask("POST", "/faults", {"kind": "reset"})
    await admin.ask("DELETE", "/faults")
    assert (await admin.ask("GET", "/faults"))[1] == []
    _, kinds = await admin.ask("GET", "/faults/kinds")
    assert [one["kind"] for one in kinds] == list(KINDS)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"kind": "explode"}, "no fault is called 'explode'", id="kind"),
        pytest.param({"kind": "deposit", "asset": "USDT", "amount": "much"}, "decimal number", id="amount"),
        pytest.param({"kind": "halt", "symbol": "NOPE"}, "Invalid symbol", id="symbol"),
        pytest.param({"kind": "deposit", "asset": "USDT", "amount": "1", "account": "x"}, "no account", id="account"),
        pytest.param({"kind": "manual_cancel"}, "no open order", id="order"),
        pytest.param({"kind": "manual_order", "symbol": "BTCUSDT", "side": "UP", "quantity": "1"}, "Side", id="side"),
        pytest.param({"kind": "filter_change", "symbol": "BTCUSDT", "filters": {"x": "1"}}, "filter", id="filter"),
        pytest.param([1], "JSON object", id="no object"),
    ],
)
async def test_an_impossible_fault_is_refused_in_words(admin: Admin, body: object, words: str):
    status, answer = await admin.ask("POST", "/faults", body)
    assert status == 400
    assert words in answer["error"]
    assert (await admin.ask("GET", "/faults"))[1] == []


async def test_the_clock_is_advanced(client: Any, admin: Admin):
    before = (await client.get("/api/v3/time"))["serverTime"]
    status, answer = await admin.ask("POST", "/clock/advance", {"seconds": 60})
    assert (status, answer) == (200, {"serverTime": before + 60_000})
    assert (await admin.ask("POST", "/clock/advance", {"seconds": -1}))[0] == 400


async def test_the_oracle_agrees_and_the_state_is_saved(client: Any, admin: Admin, tmp_path: Path):
    await client.market("BUY", "0.01")
    status, report = await admin.ask("GET", "/oracle")
    assert (status, report["ok"]) == (200, True)
    assert (await admin.ask("POST", "/save"))[0] == 200
    assert (tmp_path / "state").stat().st_size > 100
