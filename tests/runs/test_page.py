"""The page of --report in a browser: it needs nothing, it sorts and filters, and everybody can use it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

TEXT = """\
claim: More hidden units make it "likelier" <b>&</b> better.
source: this test, 3 > 2
command: train-gate
gate: xor
seeds: 3
epochs: 40
learning-rate: 4
repeat: 3
sweep:
  hidden: [1, 2, 10]
  activation: [sigmoid, tanh]
columns: [success_rate, stopped_at, parameters]
expect:
  - 0 <= success_rate <= 1
  - parameters < 40
measure:
  parameters at most: max[parameters]
"""
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def page(dlmath, write, tmp_path):
    """Run an experiment and write its page; give the path."""
    write(TEXT, "width.yaml")
    write("command: param-count\nlayers: conv:{size}x{size}x4\ninput: 9x9x2\nsweep: {size: [1, 3, 5, 7]}\n"
          "expect: [params > 0, 'params / (weights - 8) > 0']\nname: kernel-size\n", "size.yaml")  # fmt: skip
    status, _, err = dlmath("width.yaml", "size.yaml", "--report", "page.html", "--set", "init=glorot")
    assert (status, err) == (1, "")
    return tmp_path / "page.html"


# --- without a browser ------------------------------------------------------------------------------------------------


def test_the_page_is_one_file_that_names_no_other(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href|action|data)\s*=\s*["'](?!#)|url\(|@import|fetch\(|XMLHttp""", text)
    assert "default-src 'none'" in text
    assert "&quot;likelier&quot; &lt;b&gt;&amp;&lt;/b&gt; better." in text
    assert "<b>" not in text


def test_the_page_says_what_was_found(page):
    text = page.read_text(encoding="utf-8")
    assert "<h1>0 of 2 experiments hold</h1>" in text
    assert "measured 41" in text
    assert "Broken by hidden=10 activation=sigmoid repeat=0; " in text
    assert "division by zero (size=1)" in text
    assert "<dt>parameters at most</dt><dd>41</dd>" in text
    assert "dlmath train-gate xor --seeds 3 --epochs 40 --learning-rate 4.0 --init glorot" in text
    assert text.count("<tr>") == 2 + 6 + 4
    assert text.count("<figure>") == 2


def test_the_same_run_writes_the_same_page(page, dlmath):
    before = page.read_bytes()
    dlmath("width.yaml", "size.yaml", "--report", "again.html", "--set", "init=glorot", "--force")
    assert (page.parent / "again.html").read_bytes() == before


def test_the_page_may_go_to_standard_output_alone(page, dlmath):
    _, out, _ = dlmath("width.yaml", "size.yaml", "--report", "-", "--set", "init=glorot")
    assert out == page.read_text(encoding="utf-8")


def test_nothing_that_a_file_says_becomes_part_of_the_page(dlmath, write):
    text = 'claim: "<script>alert(1)</script>\\e[31m"\ncommand: param-count\nlayers: conv:1x1x{n}\ninput: 2x2x1\n'
    text += "sweep: {n: [1, 2], net: {'\"><img src=x onerror=alert(1)>': {padding: valid}}}\nexpect: [params > '<i>']\n"
    dlmath(write(text), "--report", "page.html")
    content = Path("page.html").read_text(encoding="utf-8")
    assert not re.search(r"<(img|i>|script>alert)", content)
    assert "\x1b" not in content


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    """Start a headless Chromium."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser, page):
    """Open the page; give it, and what it asked for and complained of."""
    context = browser.new_context()
    tab = context.new_page()
    said = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: said.append(request.url))
    tab.goto(page.as_uri())
    yield tab, said
    context.close()


def column(tab, number):
    return tab.eval_on_selector_all(
        "#width-cells tbody tr:not([hidden])", f"rows => rows.map(row => row.cells[{number}].textContent)"
    )


def test_nothing_is_fetched_and_nothing_goes_wrong(opened, page):
    tab, said = opened
    assert said == [page.as_uri()]
    assert tab.title() == "0 of 2 experiments hold - dlmath"


def test_rows_are_sorted_as_numbers_up_and_down(opened):
    tab, _ = opened
    button = tab.get_by_role("region", name="Cells of width").get_by_role("button", name="hidden", exact=True)
    button.click()
    assert column(tab, 0) == ["1", "1", "2", "2", "10", "10"]
    head = "#width-cells th:first-child"
    assert tab.get_attribute(head, "aria-sort") == "ascending"
    button.press("Enter")
    assert column(tab, 0) == ["10", "10", "2", "2", "1", "1"]
    assert tab.get_attribute(head, "aria-sort") == "descending"
    assert tab.inner_text("#told") == "Sorted by hidden, the greatest first"
    tab.get_by_role("region", name="Cells of width").get_by_role("button", name="activation", exact=True).click()
    assert column(tab, 1) == ["sigmoid"] * 3 + ["tanh"] * 3
    assert tab.get_attribute(head, "aria-sort") == "none"


def test_rows_are_filtered(opened):
    tab, _ = opened
    field = tab.get_by_label("Filter rows").first
    field.fill("TANH 10")
    assert (column(tab, 0), column(tab, 1)) == (["10"], ["tanh"])
    assert tab.inner_text("[data-counts=width-cells]") == "1 of 6 rows"
    assert tab.locator("#kernel-size-cells tbody tr:visible").count() == 4
    field.fill("")
    assert tab.inner_text("[data-counts=width-cells]") == "6 rows"


def test_a_command_line_is_copied(opened):
    tab, _ = opened
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = tab.get_by_role("button", name="Copy the command line of size=3")
    button.click()
    tab.wait_for_function("document.getElementById('told').textContent")
    assert tab.inner_text("#told") == "The command line is copied"
    assert tab.evaluate("navigator.clipboard.readText()") == "dlmath param-count conv:3x3x4 --input 9x9x2"


def test_everything_is_reached_by_the_keyboard(opened):
    tab, _ = opened
    reached = []
    for _ in range(29):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("document.activeElement.tagName + ' ' + document.activeElement.textContent.trim()"))
    assert reached[0] == "A Skip to the claims"
    for tag, count in (("INPUT", 2), ("SUMMARY", 2), ("DIV", 2)):
        assert sum(name.startswith(tag) for name in reached) >= count, tag
    assert sum(name == "BUTTON Copy" for name in reached) == 10
    assert sum(name.startswith("BUTTON") for name in reached) == 10 + 6 + 4


@pytest.mark.parametrize("width", [320, 400, 1400])
def test_no_page_is_wider_than_its_window(opened, width):
    tab, _ = opened
    tab.set_viewport_size({"width": width, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_every_row_is_printed_and_no_tool(opened):
    tab, _ = opened
    tab.emulate_media(media="print")
    assert not tab.get_by_label("Filter rows").first.is_visible()
    assert tab.locator(".copy:visible").count() == 0
    assert tab.locator("tbody tr:visible").count() == 10
    assert tab.eval_on_selector(".scroll", "part => part.scrollHeight <= part.clientHeight + 1")
    assert tab.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_the_rules_of_axe_pass(opened, scheme, width):
    tab, _ = opened
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": width, "height": 900})
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(246, 247, 249)", "dark": "rgb(20, 23, 27)"}[scheme]
    found = axe.Axe().run(tab, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]})
    assert found.violations_count == 0, found.generate_report()
