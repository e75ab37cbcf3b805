"""The crash suite in its short form, and the proof that it can fail."""

import json

import pytest

from app.chaos.faults import FAULTS
from app.chaos.plan import all_cases, proof_without, proofs, remainder, schedule
from app.chaos.report import as_json, idle, missed
from app.chaos.sabotage import SABOTAGES
from app.chaos.soak import soak
from app.chaos.suite import run_suite
from app.cli.main import main
from exchange_simulator.server.faults.kinds import KINDS, Occasion

SHARDS = 4
RUNS_OF_A_SHARD = 4
pytestmark = pytest.mark.timeout(600)  # a loaded machine is no failure
NOT_FOR_REST = {"ws_server_shutdown", "ws_day_close", "ws_stream_terminated"}
NEVER_WELL_AGAIN = {"remove_symbol"}  # a scenario test has it: after it nothing can be compared
STARTS_A_RECOVERY = {"trading"}  # ends halt, break and cancel_only


@pytest.fixture(scope="session")
def cases():
    return all_cases(1)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_hundred_kills_under_all_kinds_of_faults_lose_and_double_nothing(cases, shard):
    total = SHARDS * RUNS_OF_A_SHARD
    chosen = [cases[number * len(cases) // total] for number in range(shard, total, SHARDS)]
    results = run_suite(chosen, jobs=1)
    assert [sentence for result in results for sentence in result.violations] == []
    assert as_json(results, 1)["kills"] >= 4 * RUNS_OF_A_SHARD
    assert sum(result.orders for result in results) > RUNS_OF_A_SHARD


def test_protection_survives_kills_and_is_never_doubled(cases):
    guarded = [case for case in cases if case.fault.has_stop]
    results = run_suite(guarded[:: len(guarded) // 3], jobs=1)
    assert [sentence for result in results for sentence in result.violations] == []
    assert as_json(results, 1)["kills"] >= 9
    assert any("POST /api/v3/orderList/oco: read" in result.passed for result in results)


def test_bots_with_a_mistake_built_in_are_found_out_and_the_others_are_not():
    honest = [proof_without(fault) for fault in sorted({sabotage.fault for sabotage in SABOTAGES.values()})]
    results = run_suite([*proofs(), *honest], jobs=1)
    assert {result.name for result in results if result.violations} == {f"proof/{name}" for name in SABOTAGES}
    bare = {result.name for result in results if any("no_position_is_bare" in text for text in result.violations)}
    assert bare == {"proof/frozen-stop"}
    assert min(result.orders for result in results) > 0
    assert min(result.orders for result in results if not result.violations) > 1


@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_a_thousand_kills_at_every_point_and_under_every_fault_lose_and_double_nothing(cases):
    results = run_suite(cases, jobs=2)
    results += run_suite(remainder(results, cases), jobs=2)
    assert [sentence for result in results for sentence in result.violations] == []
    assert as_json(results, 1)["kills"] >= 1_000
    assert idle(results) == []
    assert len(missed(results)) <= 2  # what only a rare fault leads to


@pytest.mark.fault(40)
def test_half_an_hour_with_faults_in_five_of_a_hundred_calls_loses_nothing(tmp_path):
    soaked = soak(0.5, 5, tmp_path / "soak")
    assert soaked.violations == []
    assert (soaked.orders > 5, soaked.strikes > 0) == (True, True)


@pytest.mark.soak
@pytest.mark.fault(40)
@pytest.mark.timeout(7_200)
def test_a_day_with_faults_in_five_of_a_hundred_calls_loses_nothing_and_memory_stays_flat(tmp_path):
    soaked = soak(24, 1, tmp_path / "soak")
    assert soaked.violations == []
    assert soaked.orders > 500
    assert soaked.rss_kb_per_day() < 8_192


def test_every_kind_of_fault_that_meets_a_bot_on_rest_is_in_the_schedule():
    on_rest = {
        name for name, kind in KINDS.items() if kind.occasion in {Occasion.REQUEST, Occasion.READ, Occasion.WORLD}
    }
    scheduled = set().union(*(fault.kinds for fault in FAULTS))
    assert on_rest - NOT_FOR_REST - NEVER_WELL_AGAIN - STARTS_A_RECOVERY - scheduled == set()


def test_a_seed_means_the_same_runs_again_and_another_seed_others():
    assert schedule(1, span=200) == schedule(1, span=200)
    assert schedule(1, span=200) != schedule(2, span=200)


def test_the_command_repeats_a_run_by_its_name_and_tells_what_it_did(capsys):
    assert main(["chaos", "--only", "status_unknown after/1", "--json", "--jobs", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["runs"], report["violations"], report["seed"]) == (1, 0, 1)
    assert report["kills"] == sum(row["kills"] for row in report["table"]) > 0
    assert {row["fault"] for row in report["table"]} == {"status_unknown after"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        pytest.param(["--runs", "0"], "1 or more", id="no runs"),
        pytest.param(["--sabotage", "sleep"], "retry-post", id="no such sabotage"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_sentence(arguments, word, capsys):
    assert main(["chaos", *arguments]) == 2
    assert word in capsys.readouterr().err
