import socket
from urllib.parse import urlsplit

import requests

from exchange_simulator.server.running import exchange_process


def test_an_exchange_stops_at_once_while_it_owes_somebody_an_answer():
    with exchange_process("--speed", "0") as address:
        fault = {"kind": "no_answer", "path": "/api/v3/ping", "seconds": 60}
        requests.post(f"{address.admin_url}/admin/faults", json=fault, timeout=10)
        where = urlsplit(address.rest_url)
        waiting = socket.create_connection((where.hostname, where.port))
        waiting.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert requests.get(f"{address.rest_url}/api/v3/time", timeout=10).ok
    with waiting:
        assert waiting.recv(100) == b""
