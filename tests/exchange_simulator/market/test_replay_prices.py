import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange_simulator.market import candles
from exchange_simulator.market.candles import Column
from exchange_simulator.market.files import CandleTable, TradeTable, read_market_file, symbol_in_name
from exchange_simulator.market.intervals import DAY_US, MINUTE_US, Interval
from exchange_simulator.market.replay import CandleReplay, Replay, fitting_grid, replay_of
from exchange_simulator.market.tape import Grid, Tape

EXACT = 4e-16  # the last bit of a float: counts of ticks and steps are whole, their product with 0.01 is not
START_MS = 1_709_164_800_000
START = START_MS * 1000
REAL = Path(os.environ.get("KEEL_MARKET_DATA", Path(__file__).parents[4] / "shared" / "data"))
real_data = pytest.mark.skipif(not REAL.is_dir(), reason="real market data is not here")

CANDLES = [
    (0, 100.0, 101.5, 99.25, 101.0, 12.5),
    (1, 101.0, 101.0, 98.0, 98.5, 3.25),
    (2, 98.5, 98.5, 98.5, 98.5, 0.0),
    (5, 97.0, 99.0, 97.0, 99.0, 0.25),
]
KLINE = "{open},{},{},{},{},{},{close},1.0,7,0.5,0.5,0"


def csv_lines(rows: Sequence[tuple[float, ...]] = CANDLES) -> str:
    lines = []
    for minute, *values in rows:
        opened = START_MS + int(minute) * 60_000
        lines.append(KLINE.format(*(f"{value:.8f}" for value in values), open=opened, close=opened + 59_999))
    return "\n".join(lines) + "\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.csv", text)
    else:
        path.write_text(text)
    return path


def printed(replay: Replay, interval: Interval) -> np.ndarray:
    tape = replay.tape(replay.first_us, replay.end_us)
    return candles.regrouped(candles.from_tape(tape, interval.base_us), interval)


def assert_gives_back(replay: CandleReplay, table: CandleTable) -> None:
    rows = printed(replay, replay.interval)
    assert rows[:, Column.OPEN_US].tolist() == table.open_us.tolist()
    np.testing.assert_allclose(
        rows[:, Column.OPEN : Column.CLOSE + 1] * replay.grid.tick / 1e8, table.prices, rtol=EXACT
    )
    np.testing.assert_allclose(rows[:, Column.VOLUME] * float(replay.grid.step) / 1e8, table.volume, rtol=EXACT)


HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n"


@pytest.mark.parametrize(
    ("name", "head"),
    [
        pytest.param("BTCUSDT.csv", "", id="csv without header"),
        pytest.param("BTCUSDT.csv", HEADER, id="csv with header"),
        pytest.param("BTCUSDT.zip", "", id="zip without header"),
        pytest.param("BTCUSDT.zip", HEADER, id="zip with header"),
    ],
)
def test_a_candle_file_comes_out_as_it_went_in(tmp_path: Path, name: str, head: str):
    path = written(tmp_path, name, head + csv_lines())
    replay = replay_of([path])
    rows = printed(replay, Interval.M1)
    unit = replay.grid.tick / 1e8
    got = [
        ((row[0] - START) // MINUTE_US, *(row[1:5] * unit).tolist(), row[5] * replay.grid.step / 1e8) for row in rows
    ]
    assert got == CANDLES


@pytest.mark.parametrize(
    "unit",
    [pytest.param("ms", id="milliseconds"), pytest.param("us", id="microseconds, as dumps from 2025 on")],
)
def test_the_unit_of_times_is_seen_from_their_size(tmp_path: Path, unit: str):
    factor = {"ms": 1, "us": 1000}[unit]
    text = "".join(f"{(START_MS + minute * 60_000) * factor},1,2,1,2,5\n" for minute in range(3))
    table = read_market_file(written(tmp_path, "six-columns.csv", text))
    assert table.open_us.tolist() == [START + minute * MINUTE_US for minute in range(3)]


@given(
    data=st.lists(
        st.tuples(st.lists(st.integers(1, 10**6), min_size=4, max_size=4), st.integers(0, 10**9), st.booleans()),
        min_size=2,
        max_size=12,
    ),
    interval=st.sampled_from([Interval.S1, Interval.M1, Interval.M5, Interval.H1, Interval.D1]),
)
@settings(deadline=None)
def test_any_candles_are_given_back_by_their_prints(data: list[tuple[list[int], int, bool]], interval: Interval):
    kept = [item for number, item in enumerate(data) if number < 2 or item[2]]
    opens = [START + number * interval.length_us for number, item in enumerate(data) if number < 2 or item[2]]
    prices = [[c[0], max(c), min(c), c[1]] for c, _, _ in kept]
    replay = CandleReplay(
        interval, Grid(10**6, 10**3), np.array(opens), np.array(prices), np.array([v for _, v, _ in kept])
    )
    rows = printed(replay, interval)
    assert rows[:, : Column.VOLUME + 1].tolist() == [
        [opened, *price, volume] for opened, price, (_, volume, _) in zip(opens, prices, kept, strict=True)
    ]


@given(cuts=st.lists(st.integers(0, 6 * MINUTE_US), max_size=8))
@settings(deadline=None)
def test_a_replay_asked_for_in_pieces_is_the_same(cuts: list[int]):
    replay = CandleReplay(
        Interval.M1,
        Grid(10**6, 10**3),
        np.array([START, START + MINUTE_US, START + 5 * MINUTE_US]),
        np.array([[5, 9, 3, 4], [4, 4, 4, 4], [7, 8, 7, 8]]),
        np.array([1000, 7, 31]),
    )
    edges = [START - 1, *sorted(START + cut for cut in cuts), START + 7 * MINUTE_US]
    parts = Tape.joined([replay.tape(*edges[place : place + 2]) for place in range(len(edges) - 1)])
    whole = replay.tape(edges[0], edges[-1])
    for column in ("time_us", "price", "quantity", "buyer"):
        assert getattr(parts, column).tolist() == getattr(whole, column).tolist()


def test_a_rising_candle_visits_its_low_first_and_a_falling_one_its_high(tmp_path: Path):
    replay = replay_of([written(tmp_path, "x.csv", csv_lines())])
    rising = replay.tape(START, START + MINUTE_US).price.tolist()
    falling = replay.tape(START + MINUTE_US, START + 2 * MINUTE_US).price.tolist()
    assert rising.index(min(rising)) < rising.index(max(rising))
    assert falling.index(max(falling)) < falling.index(min(falling))


def test_a_hole_in_the_file_is_a_hole_in_the_market(tmp_path: Path):
    replay = replay_of([written(tmp_path, "x.csv", csv_lines())])
    inside = replay.holes(START, START + 6 * MINUTE_US)
    assert inside == [(START + 3 * MINUTE_US, START + 5 * MINUTE_US)]
    assert [span[1] for span in replay.holes(START - DAY_US, START)] == [START]
    assert [span[0] for span in replay.holes(START + DAY_US, START + 2 * DAY_US)] == [START + 6 * MINUTE_US]


AGG_TRADES = (
    "11,0.00000908,3591711.00,1,1,1729987202368,False,True\n12,0.00000907,28445331.00,2,3,1729987202940,True,True\n"
)


def test_a_trade_file_is_printed_trade_by_trade(tmp_path: Path):
    replay = replay_of([written(tmp_path, "spot-PEPEUSDT-aggTrades-2024-10-27.csv", AGG_TRADES)])
    tape = replay.tape(replay.first_us, replay.end_us)
    assert replay.grid == Grid(1, 10**8)
    assert tape.time_us.tolist() == [1729987202368000, 1729987202940000]
    assert tape.price.tolist() == [908, 907]
    assert tape.quantity.tolist() == [3591711, 28445331]
    assert tape.buyer.tolist() == [True, False]


def test_several_files_of_a_symbol_are_one_replay(tmp_path: Path):
    later = written(tmp_path, "b.csv", csv_lines([(60, 1, 2, 1, 2, 5), (61, 2, 2, 2, 2, 1)]))
    earlier = written(tmp_path, "a.csv", csv_lines())
    replay = replay_of([later, earlier])
    assert len(printed(replay, Interval.M1)) == 6
    with pytest.raises(ValueError, match="overlap in time"):
        replay_of([earlier, earlier])


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        pytest.param("x.csv", "a,b\n1,2\n", "neither candles", id="unknown columns"),
        pytest.param("x.csv", "", "not readable", id="empty file"),
        pytest.param("x.csv", "1,2,3\n", "3 columns without a header", id="unknown headerless"),
        pytest.param("x.csv", csv_lines([(0, 1, 2, 1, 3, 5)]), "row 1: high and low", id="close above high"),
        pytest.param("x.csv", csv_lines([(0, 1, 2, 1, 2, -5)]), "volume is negative", id="negative volume"),
        pytest.param("x.csv", csv_lines([(0, 0, 2, 0, 2, 5)]), "price is not positive", id="price zero"),
        pytest.param(
            "x.csv", csv_lines([(1, 1, 2, 1, 2, 5), (1, 1, 2, 1, 2, 5)]), "row 2: the candle does not", id="twice"
        ),
        pytest.param(
            "x.csv", csv_lines([(0, 1, 2, 1, 2, 5), (7, 1, 2, 1, 2, 5)]), "Binance's intervals", id="no interval"
        ),
        pytest.param("x.csv", csv_lines([(0, 1, 2, 1, 2, 5)]), "at least two", id="one candle"),
        pytest.param("x.csv", "time,price,qty\n1,2,3\n", "side or is_buyer_maker", id="trades without side"),
        pytest.param("x.csv", "time,open,high,low,close,volume\n1,x,2,1,2,3\n", "no number", id="a word as price"),
        pytest.param("x.zip.csv.txt", "1", "unknown kind of file", id="other kind"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence_that_names_it(tmp_path: Path, name: str, text: str, sentence: str):
    with pytest.raises(ValueError, match=sentence) as refusal:
        replay_of([written(tmp_path, name, text)])
    assert "\n" not in str(refusal.value)
    assert name in str(refusal.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ValueError, match=r"nowhere\.csv: there is no such file"):
        replay_of([tmp_path / "nowhere.csv"])


def test_values_off_the_grid_are_refused_or_rounded_as_asked(tmp_path: Path):
    path = written(tmp_path, "x.csv", csv_lines())
    grid = Grid(10**8, 10**8)
    with pytest.raises(ValueError, match="is no multiple of 1"):
        replay_of([path], grid)
    assert printed(replay_of([path], grid, nearest=True), Interval.M1)[0, 1:6].tolist() == [100, 102, 99, 101, 12]


def test_the_grid_of_a_file_is_the_coarsest_that_fits():
    assert fitting_grid(np.array([1.5, 2.25]), np.array([3.0, 12000.0])) == Grid(10**6, 10**8)
    assert fitting_grid(np.array([36160.9]), np.array([0.00039906])) == Grid(10**7, 10)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("spot-klines-BTCUSDT-1h-2024-10-28.zip", "BTCUSDT"),
        ("binance-PEPEUSDT-aggtrades-2024_10_27.parquet", "PEPEUSDT"),
        ("1000SATSFDUSD-1m.csv", "1000SATSFDUSD"),
        ("candles.csv", None),
    ],
)
def test_a_file_name_tells_its_symbol(name: str, symbol: str | None):
    assert symbol_in_name(Path(name)) == symbol


def test_a_parquet_file_with_real_timestamps_is_read(tmp_path: Path):
    columns = {"timestamp": pa.array([START, START + MINUTE_US], pa.timestamp("us"))}
    columns |= {name: pa.array([1.0, 2.0]) for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    assert read_market_file(tmp_path / "x.parquet").open_us.tolist() == [START, START + MINUTE_US]


@real_data
@pytest.mark.parametrize(
    "name",
    [
        "crash-2021-05/binance-BTCUSDT-1m-2021_05.parquet",
        "crash-2020-03/binance-LTOBTC-1m-2020_03.parquet",
        "delist/binance-CVCUSDT-5m-2022_2023.parquet",
        "multi-1h/binance-DOTUSDT-1h-2022_2026.parquet",
        "multi-1d/binance-DOGEUSDT-1d-2017_2026.parquet",
        "binance-dump/ETHUSDT-1m-2022-05-12.csv",
        "binance-dump/BTCUSDT-1m-2022-11-08.csv",
        "binance-dump/spot-klines-BTCUSDT-1h-2024-10-28.zip",
    ],
)
def test_real_candles_come_out_as_they_went_in(name: str):
    table = read_market_file(REAL / name)
    part = slice(0, 3000)
    kept = CandleTable(table.name, table.open_us[part], table.prices[part], table.volume[part])
    assert_gives_back(CandleReplay.of([kept], None, nearest=False), kept)


@real_data
@pytest.mark.parametrize(
    "name",
    ["trades/binance-PEPEUSDT-aggtrades-2024_10_27.parquet", "binance-dump/spot-PEPEUSDT-aggTrades-2024-10-27.zip"],
)
def test_real_trades_are_printed_one_by_one(name: str):
    table = read_market_file(REAL / name)
    replay = replay_of([REAL / name])
    assert isinstance(table, TradeTable)
    tape = replay.tape(replay.first_us, replay.end_us)
    np.testing.assert_allclose(tape.price * replay.grid.tick / 1e8, table.price, rtol=EXACT)
    np.testing.assert_allclose(tape.quantity * replay.grid.step / 1e8, table.quantity, rtol=EXACT)
    assert 0.2 < tape.buyer.mean() < 0.8


@real_data
def test_the_outage_of_april_2021_is_a_hole():
    replay = replay_of([REAL / "crash-2021-05/binance-BTCUSDT-1m-2021_05.parquet"])
    spans = replay.holes(replay.first_us, replay.end_us)
    assert [(end - start) // MINUTE_US for start, end in spans] == [284]
