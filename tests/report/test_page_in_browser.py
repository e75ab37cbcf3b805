"""The page in a real Chromium: it opens from disk, draws, sorts, filters, computes and stays in its frame."""

import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from app.report import ReportData, Verdict
from app.report.page import write_html

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not here: uv run --group e2e pytest")
CHROMIUM = os.environ.get("KEEL_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
if CHROMIUM is None:
    pytest.skip("Chromium is not here: apt-get install chromium, or set KEEL_CHROMIUM", allow_module_level=True)

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
HOSTILE = "</script><img src=x onerror=\"document.title='broken'\"><!--"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        running.close()


@pytest.fixture
def show(browser, tmp_path):
    """Open a report; at the end of the test, nothing may have been said on the console or asked of the network."""
    opened = []

    def open_page(data: ReportData, viewport=DESKTOP, **options):
        path = write_html(data, tmp_path / "report.html")
        context = browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
        page = context.new_page()
        heard, asked = [], []
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        opened.append((context, heard, asked, path))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        settled(page)
        return page

    yield open_page
    for context, heard, asked, path in opened:
        context.close()
        assert heard == []
        assert asked == [path.as_uri()]


def settled(page) -> None:
    """Wait until the charts have drawn what was asked for."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


LOOK = """([id, name]) => {
  const canvas = document.querySelector(`#${id} canvas`);
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const color = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const wanted = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  let [count, sum] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const near = (channel) => Math.abs(data[i + channel] - wanted[channel]) < 30;
    if (data[i + 3] > 200 && near(0) && near(1) && near(2)) count += 1;
    sum = (sum * 31 + data[i] + 7 * data[i + 1] + 13 * data[i + 2] + data[i + 3]) % 2147483647;
  }
  return [count, sum];
}"""


def painted(page, chart: str, name: str) -> int:
    """How many pixels of a chart have about a colour of the style sheet."""
    return page.evaluate(LOOK, [chart, name])[0]


def picture(page, chart: str) -> int:
    """A number that differs when the chart looks different."""
    return page.evaluate(LOOK, [chart, "text"])[1]


def column(page, name: str) -> list[str]:
    place = page.locator(".trades thead th").evaluate_all(
        f"(all) => all.findIndex((th) => th.dataset.column === '{name}') + 1"
    )
    return page.locator(f".trades tbody td:nth-child({place})").all_inner_texts()


def number(text: str) -> float:
    return float(re.sub(r"[^\d.\u2212]", "", text).replace("\u2212", "-"))


@pytest.fixture(scope="module")
def two_symbols(made_up):
    frames = {
        "BTC/USDT": made_up.random_candles(3_000),
        "ETH/USDT": made_up.random_candles(2_500, seed=9, start="2024-01-20", price=2_500),
    }
    return made_up.made_up_report(frames)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_drawn_and_the_page_stays_in_its_frame(show, two_symbols, viewport, scheme):
    page = show(two_symbols, viewport, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "[...document.querySelectorAll('.columns > div')].every((part) => part.scrollWidth <= part.clientWidth)"
    )
    for chart, names in (("equity", ("accent", "hold", "down")), ("price", ("up", "down", "one", "two", "three"))):
        for name in names:
            assert painted(page, f"{chart}-chart", name) > 40, (chart, name)
    assert page.inner_text("#verdict") == "causal on 312 cuts"


def test_the_theme_can_be_turned(show, two_symbols):
    page = show(two_symbols, color_scheme="light")
    before = picture(page, "equity-chart")
    page.click("#theme")
    settled(page)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert picture(page, "equity-chart") != before
    assert painted(page, "equity-chart", "accent") > 40


def test_the_list_sorts_by_any_column(show, two_symbols):
    page = show(two_symbols)
    page.click("th[data-column=pnl] button")
    falling = [number(text) for text in column(page, "pnl")]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] == pytest.approx(two_symbols.trades["pnl"].max(), abs=0.005)
    page.click("th[data-column=pnl] button")
    rising = [number(text) for text in column(page, "pnl")]
    assert rising == sorted(rising)
    assert page.get_attribute("th[data-column=pnl]", "aria-sort") == "ascending"


def test_the_list_filters_and_pages(show, two_symbols):
    page = show(two_symbols)
    trades = two_symbols.trades
    page.select_option("[data-filter='All symbols']", "ETH/USDT")
    page.select_option("[data-filter='All exits']", "stop")
    wanted = trades[(trades["symbol"] == "ETH/USDT") & (trades["exit_reason"] == "stop")]
    assert page.inner_text("#trade-list [role=status]").startswith(f"{len(wanted)} of {len(trades)} trades")
    assert set(column(page, "symbol")) == {"ETH/USDT"}
    page.select_option("[data-filter='All symbols']", "")
    page.select_option("[data-filter='All exits']", "")
    first = column(page, "entry_time")
    page.click("text=Next")
    assert column(page, "entry_time")[0] not in first
    page.fill("[aria-label='Filter trades']", trades["exit_time"].iloc[0].strftime("%Y-%m-%d %H:%M"))
    assert 1 <= len(column(page, "exit_time")) < 5


def test_what_if_computes_the_run_anew(show, two_symbols):
    page = show(two_symbols)
    trades, final = two_symbols.trades, two_symbols.equity.iloc[-1]
    shown = page.locator("[data-figure=final] dd").first
    assert number(shown.inner_text()) == pytest.approx(final, abs=0.01)
    assert painted(page, "equity-chart", "whatif") == 0
    page.locator("#what-if-fee").fill("0")
    assert number(shown.inner_text()) == pytest.approx(final + trades["fees"].sum(), abs=0.01)
    page.locator("#what-if-slippage").fill("4")
    doubled = final + trades["fees"].sum() - trades["slippage"].sum()
    assert number(shown.inner_text()) == pytest.approx(doubled, abs=0.01)
    won = ((trades["pnl"] + trades["fees"] - trades["slippage"]) > 0).mean() * 100
    assert number(page.locator("[data-figure=wins] dd").first.inner_text()) == pytest.approx(won, abs=0.01)
    settled(page)
    assert painted(page, "equity-chart", "whatif") > 40
    page.click("text=As it was run")
    assert number(shown.inner_text()) == pytest.approx(final, abs=0.01)


def test_a_trade_of_the_list_is_shown_in_the_chart_with_its_reasons(show, two_symbols):
    page = show(two_symbols)
    page.select_option("[data-filter='All symbols']", "ETH/USDT")
    row = page.locator(".trades tbody tr").nth(3)
    reason = row.locator("td").nth(11).inner_text()
    row.click()
    assert page.input_value("#symbol") == "ETH/USDT"
    assert page.locator(".trades tbody tr.chosen").count() == 1
    settled(page)
    box = page.locator("#price-chart canvas").bounding_box()
    trade = two_symbols.trades[two_symbols.trades["symbol"] == "ETH/USDT"].iloc[3]
    held = (trade["exit_time"] - trade["entry_time"]) / pd.Timedelta(hours=1)
    margin = max(held * 0.6, 30)
    x = box["x"] + (box["width"] - 64) * margin / (held + 2 * margin)
    for y in np.arange(box["y"] + 20, box["y"] + box["height"] * 0.8, 8):
        page.mouse.move(x, float(y))
        settled(page)
        if page.locator("#price-chart .tip").is_visible():
            break
    tip = page.inner_text("#price-chart .tip")
    assert reason in tip
    moved = re.search(r"stop\s+([\d.,]+) → ([\d.,]+)", tip)
    assert float(moved[2].replace(",", "")) == pytest.approx(trade["entry_price"], rel=1e-4)
    assert float(moved[1].replace(",", "")) == pytest.approx(
        trade["entry_price"] * (0.96 if trade["side"] == "long" else 1.04), rel=1e-4
    )


def test_charts_move_and_zoom(show, two_symbols):
    page = show(two_symbols)
    whole = picture(page, "price-chart")
    page.click("#price .buttons >> text=1M")
    settled(page)
    month = picture(page, "price-chart")
    assert month != whole
    page.locator("#price-chart canvas").press("ArrowLeft")
    settled(page)
    assert picture(page, "price-chart") != month
    page.click("#price .buttons >> text=Log")
    page.click("#price .buttons >> text=All")
    page.mouse.move(5, 5)
    settled(page)
    assert page.get_attribute("#price .buttons [aria-pressed]", "aria-pressed") == "true"


def test_names_are_text_and_nothing_else(show, made_up):
    data = made_up.made_up_report(
        {HOSTILE: made_up.random_candles(800)},
        title=HOSTILE,
        verdict=Verdict("LOOKS AHEAD", believable=False, finding=f"column {HOSTILE} differs"),
    )
    data.trades["entry_reason"] = HOSTILE
    page = show(data)
    assert page.inner_text("h1") == HOSTILE
    assert page.inner_text("#verdict") == "LOOKS AHEAD"
    assert HOSTILE in page.inner_text("[role=alert]")
    assert column(page, "entry_reason")[0] == HOSTILE
    assert page.title() == HOSTILE
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("closes", [[], [10_000.0], [10_000.0] * 50, [5_000.0, 0.0, 0.0], [10_000.0, np.nan, 9_000.0]])
def test_a_run_without_trades_or_sense_still_opens(show, closes):
    index = pd.date_range("2025-01-01", periods=len(closes), freq="1min", tz="UTC")
    data = ReportData(
        title="idle",
        timeframe="1m",
        start_cash=10_000,
        equity=pd.Series(closes, index=index, dtype=float),
        trades=pd.DataFrame(),
    )
    assert "No trades." in show(data).inner_text("#trades")


def test_a_million_candles_make_a_file_of_a_few_megabytes_that_draws(show, made_up, tmp_path):
    data = made_up.made_up_report(
        {"BTC/USDT": made_up.random_candles(1_000_000, freq="1min", start="2022-01-01")},
        timeframe="1m",
        windows=(300, 1_500),
    )
    page = show(data)
    assert (tmp_path / "report.html").stat().st_size < 4_000_000
    assert painted(page, "price-chart", "up") > 40
    assert "Drawn in candles of 12 h" in page.inner_text("#price")
    page.click("th[data-column=pnl] button")
    page.locator(".trades tbody tr").first.click()
    settled(page)
    assert painted(page, "price-chart", "up") > 40
