"""Candles over HTTP: years of them stall nobody, and a time zone is kept to or refused."""

import asyncio
from typing import Any

import pytest


async def test_years_of_days_leave_the_server_free_for_others(client: Any):
    asked = asyncio.create_task(client.get("/api/v3/klines", symbol="BTCUSDT", interval="1d", limit=200))
    answered = 0
    while not asked.done():
        await client.get("/api/v3/ping")
        answered += 1
    assert len(await asked) == 200
    assert answered > 10


@pytest.mark.parametrize(
    ("interval", "zone", "status"),
    [
        pytest.param("1d", "0", 200, id="UTC"),
        pytest.param("1h", "+8:00", 200, id="hours begin alike in whole hours"),
        pytest.param("1h", "05:45", 400, id="hours begin elsewhere"),
        pytest.param("1d", "8", 400, id="days begin elsewhere"),
        pytest.param("1M", "-1:00", 400, id="months begin elsewhere"),
        pytest.param("1m", "15", 400, id="beyond +14:00"),
        pytest.param("1m", "Paris", 400, id="no distance from UTC"),
    ],
)
async def test_a_time_zone_is_kept_to_or_refused(client: Any, interval: str, zone: str, status: int):
    question = {"symbol": "BTCUSDT", "interval": interval, "limit": "2", "timeZone": zone}
    async with client.session.get(client.server.rest_url + "/api/v3/klines", params=question) as answer:
        assert answer.status == status
        if status == 400:
            assert (await answer.json())["code"] == -1130


async def test_a_body_that_is_not_in_its_encoding_is_refused(client: Any):
    url = client.server.rest_url + "/api/v3/order"
    async with client.session.post(url, data=b"abcde", headers={"Content-Encoding": "gzip"}) as answer:
        assert answer.status == 400
        assert (await answer.json())["code"] == -1100
