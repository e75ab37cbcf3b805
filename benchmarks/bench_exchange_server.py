"""How fast the simulated exchange answers over HTTP, against a bare aiohttp handler in the same run.

Run it: `python benchmarks/bench_exchange_server.py`. The server has a process of its own; the client sends ready-made
requests over a few kept-alive connections, so that it costs little. A rate is requests per second of the server's CPU
time: what one core answers that does nothing else, however busy the machine is.
"""

import asyncio
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from itertools import count
from pathlib import Path

from exchange_simulator.server.running import Address, exchange_process

CONNECTIONS = 8
SECONDS = 4.0
BARE = """
import asyncio, sys, uvloop
from aiohttp import web
async def answer(request):
    await request.read()
    return web.Response(body=b"{}", headers={"Content-Type": "application/json"})
async def main():
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.sleep(3600)
uvloop.run(main())
"""


async def requests_per_second(pid: int, port: int, make: Callable[[], bytes]) -> float:
    """Send requests over all connections for SECONDS and return how many a second of the server's CPU answered."""
    before_s, end = cpu_seconds(pid), time.perf_counter() + SECONDS
    answered = await asyncio.gather(*(_one_connection(port, make, end) for _ in range(CONNECTIONS)))
    return sum(answered) / (cpu_seconds(pid) - before_s)


def cpu_seconds(pid: int) -> float:
    """What a process has used of the CPU: utime and stime of proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _one_connection(port: int, make: Callable[[], bytes], end: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    while time.perf_counter() < end:
        writer.write(make())
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if status != 200:
            raise RuntimeError(f"the server answered {status}: {body!r}")
        answered += 1
    writer.close()
    return answered


def order_maker(address: Address, price: str) -> Callable[[], bytes]:
    """Return a maker of signed limit orders: market orders and IOC limit orders at the best bid, on both sides."""
    numbers = count()

    def make() -> bytes:
        number = next(numbers)
        kind = f"type=LIMIT&timeInForce=IOC&price={price}" if number % 2 else "type=MARKET"
        side = "SELL" if number % 4 < 2 else "BUY"
        body = f"symbol=BTCUSDT&side={side}&{kind}&quantity=0.001&timestamp={1_700_000_000_000 + number}"
        signature = hmac.new(address.secret.encode(), body.encode(), hashlib.sha256).hexdigest()
        return _request("POST", "/api/v3/order", f"{body}&signature={signature}", address.api_key)

    return make


def _request(method: str, target: str, body: str = "", key: str = "") -> bytes:
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {key}\r\n"
    if body:
        head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n{body}".encode()


def bare_rate() -> float:
    """Return the rate of a handler that does nothing."""
    process = subprocess.Popen([sys.executable, "-c", BARE], stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline()) if process.stdout else 0
        post = _request("POST", "/api/v3/order", "symbol=BTCUSDT&side=BUY")
        return asyncio.run(requests_per_second(process.pid, port, lambda: post))
    finally:
        process.terminate()
        process.communicate()


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def memory_per_symbol_mb() -> float:
    """Return what a further symbol costs, with its book quoted and its candles asked for."""
    return (_memory_with(42) - _memory_with(2)) / 40


def _memory_with(symbols: int) -> float:
    names = ["BTC/USDT", *(f"C{number}/USDT" for number in range(symbols - 1))]
    with exchange_process("--speed", "0", "--symbols", ",".join(names)) as address:
        _advance(address, 60)
        for name in names:
            symbol = name.replace("/", "")
            urllib.request.urlopen(f"{address.rest_url}/api/v3/klines?symbol={symbol}&interval=1m&limit=1000").read()
        return resident_mb(address.pid)


def _advance(address: Address, seconds: float) -> None:
    body = json.dumps({"seconds": seconds}).encode()
    urllib.request.urlopen(urllib.request.Request(address.admin_url + "/admin/clock/advance", data=body)).read()


def main() -> None:
    bare = bare_rate()
    print(f"bare aiohttp handler      {bare:8.0f} requests/s")
    with exchange_process("--speed", "0", "--balance", "USDT=100000000,BTC=10000") as address:
        port = int(address.rest_url.rsplit(":", 1)[1])
        book = json.load(urllib.request.urlopen(f"{address.rest_url}/api/v3/depth?symbol=BTCUSDT&limit=5"))
        figures = {
            "ping": lambda: _request("GET", "/api/v3/ping"),
            "orders (signed)": order_maker(address, book["bids"][0][0]),
            "klines, 100 rows": lambda: _request("GET", "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=100"),
            "klines, 1000 rows": lambda: _request("GET", "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000"),
        }
        for name, make in figures.items():
            rate = asyncio.run(requests_per_second(address.pid, port, make))
            print(f"{name:<26}{rate:8.0f} requests/s   {rate / bare:5.2f} of the bare handler")
    print(f"memory per symbol         {memory_per_symbol_mb():8.2f} MB")


if __name__ == "__main__":
    main()
