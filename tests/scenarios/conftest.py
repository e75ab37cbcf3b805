"""Every test here that asks for a `scenario` runs on each one of the table."""

import importlib.util
import json
import urllib.request
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("scenario_table", Path(__file__).parent / "table.py")
_TABLE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TABLE)


def pytest_generate_tests(metafunc):
    if "scenario" in metafunc.fixturenames:
        metafunc.parametrize("scenario", list(_TABLE.SCENARIOS), ids=lambda scenario: scenario.name)


@pytest.fixture(scope="session")
def scenario_table():
    return _TABLE


@pytest.fixture(scope="session")
def advance():
    """Lets time pass at a simulated exchange."""

    def pass_time(address, seconds):
        body = json.dumps({"seconds": seconds}).encode()
        request = urllib.request.Request(f"{address.admin_url}/admin/clock/advance", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    return pass_time
