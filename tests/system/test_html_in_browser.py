"""The HTML report in a real browser: what it looks like, how it prints, and that it is used by keyboard."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from command_line import Matrix, vdsocat
from playwright.sync_api import Browser, Page, sync_playwright

_SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
HOSTILE = (
    "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>"
    '\u202egpj.exe\x00\x1b[31m\'" onfocus="document.title=\'hit\'" autofocus x="'
)
WIDE, NARROW = (1280, 900), (390, 800)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "there is no chromium; `make system` installs it"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=_SWITCHES)


@pytest.fixture(scope="session")
def full(matrix: Matrix, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of every kernel of the full list."""
    return write_report(tmp_path_factory.mktemp("full") / "report.html", matrix.captures)


@pytest.fixture(scope="session")
def doctored(matrix: Matrix, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a kernel that conforms, one with symbols renamed, and one whose strings are meant to harm."""
    directory = tmp_path_factory.mktemp("doctored")
    shutil.copy(matrix.captures / "i386-6.1.json", directory)
    doctor(matrix, "arm64-newest", directory, {b"__kernel_getrandom\0": b"__kernel_getRANDOM\0"}, {})
    harm = dict.fromkeys(("source", "machine", "kernel_package", "kernel_package_version", "qemu_version"), HOSTILE)
    harm |= {"command": [HOSTILE, "-append", HOSTILE], "probes": {HOSTILE: HOSTILE}, "kernel_sha256": "f" * 3000}
    doctor(matrix, "amd64-newest", directory, {b"__vdso_getcpu\0": b"<script>x()//\0"}, harm)
    return write_report(directory / "report.html", directory)


@pytest.fixture(scope="session")
def one(matrix: Matrix, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the kernel with symbols renamed alone: every element has its barriers looked for."""
    directory = tmp_path_factory.mktemp("one")
    doctor(matrix, "arm64-newest", directory, {b"__kernel_getrandom\0": b"__kernel_getRANDOM\0"}, {})
    return write_report(directory / "report.html", directory)


def doctor(
    matrix: Matrix, kernel: str, directory: Path, renamed: dict[bytes, bytes], provenance: dict[str, Any]
) -> None:
    """Write a kernel's capture with symbols of its images renamed, and with another provenance."""
    capture = json.loads((matrix.captures / f"{kernel}.json").read_text())
    capture["provenance"] |= provenance
    for abi in capture["abis"]:
        if abi["image"] is not None:
            image = zlib.decompress(base64.b64decode(abi["image"]))
            for old, new in renamed.items():
                image = image.replace(old, new)
            abi["image"] = base64.b64encode(zlib.compress(image)).decode()
    (directory / f"{kernel}.json").write_text(json.dumps(capture))


def write_report(path: Path, captures: Path) -> Path:
    run = vdsocat("report", "--format", "html", str(captures))
    assert run.stderr == ""
    path.write_text(run.stdout, encoding="utf-8")
    return path


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a report; at the end of the test it must not have loaded, said or asked anything."""
    contexts, said = [], []

    def open_(path: Path, size: tuple[int, int] = WIDE, scheme: str = "light", scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
        page.on(
            "request", lambda request: said.append(request.url) if request.url[:4] not in ("file", "data") else None
        )
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []


def is_open(page: Page, selector: str) -> bool:
    return bool(page.eval_on_selector(selector, "one => one.open"))


def tab_to(page: Page, condition: str, limit: int = 300) -> None:
    """Press Tab until the JavaScript condition on `at`, the element in focus, holds."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate(f"(at => {condition})(document.activeElement)"):
            return
    raise AssertionError(f"Tab does not lead to an element with {condition}")


# --- use -------------------------------------------------------------------------------------------------------------


def test_a_finding_is_opened_by_keyboard(doctored: Path, open_page: Open) -> None:
    page = open_page(doctored)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0"), "the skip link is seen in focus"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'main'")
    tab_to(page, "at.matches('details.function:not([open]) > summary')")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    box = "document.activeElement.parentElement"
    assert not page.evaluate(f"{box}.querySelector('table').checkVisibility({{contentVisibilityAuto: true}})")
    page.keyboard.press("Enter")
    assert page.evaluate(f"{box}.open")
    assert page.evaluate(f"{box}.querySelector('td').getBoundingClientRect().height > 0")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.scroll')"), (
        "a table that may be wide is scrolled by keyboard"
    )


@pytest.mark.parametrize("scripts", [True, False])
def test_a_failing_cell_leads_to_the_finding_and_the_finding_to_its_rule(
    doctored: Path, open_page: Open, scripts: bool
) -> None:
    page = open_page(doctored, scripts=scripts)
    cell = page.locator("table.matrix td.fail a", has_text="getrandom of aarch64")
    target = cell.get_attribute("href")
    assert target is not None
    cell.click()
    group = page.locator(target)
    group.locator("table.findings").wait_for(state="visible")
    row = group.locator("tr", has_text="SYM-MISSING")
    assert "__kernel_getrandom@@LINUX_2.6.39" in row.inner_text()
    row.locator("a").click()
    page.locator("#rule-SYM-MISSING dl").wait_for(state="visible")
    assert "rustix" in page.locator("#rule-SYM-MISSING").inner_text()


def test_the_filter_leaves_what_is_named(doctored: Path, open_page: Open) -> None:
    page = open_page(doctored)
    rows = page.locator("table.matrix tbody tr")
    assert rows.count() == 6
    page.get_by_label("Show kernels and ABIs named").fill("arm64 aarch64")
    assert [row.get_attribute("data-name", timeout=1000) for row in rows.all() if row.is_visible()] == [
        f"arm64-newest aarch64 {page.locator('.judged:visible h3 .release').inner_text()}"
    ]
    assert page.locator("#shown").inner_text() == "1 shown"
    assert page.locator("article.judged:visible").count() == 1
    page.get_by_label("Show kernels and ABIs named").fill("")
    assert page.locator("table.matrix tbody tr:visible").count() == 6


def test_everything_is_unfolded_and_folded(doctored: Path, open_page: Open) -> None:
    page = open_page(doctored)
    page.get_by_role("button", name="Unfold all").click()
    assert page.locator("main details:not([open])").count() == 0
    page.get_by_role("button", name="Fold all", exact=True).click()
    assert page.locator("main details[open]").count() == 0


def test_without_scripts_the_tools_are_not_offered_and_folds_open(doctored: Path, open_page: Open) -> None:
    page = open_page(doctored, scripts=False)
    assert not page.locator("#tools").is_visible()
    page.locator("details.function > summary").first.click()
    assert page.locator("details.function table.findings").first.is_visible()


# --- looks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_page_itself_never_scrolls_sideways(full: Path, doctored: Path, open_page: Open, size: Any) -> None:
    for report in (full, doctored):
        page = open_page(report, size)
        page.get_by_role("button", name="Unfold all").click()
        assert page.evaluate("document.documentElement.scrollWidth") == size[0], report


def test_the_matrix_scrolls_in_its_box_with_its_headers_in_view(full: Path, open_page: Open) -> None:
    page = open_page(full, NARROW)
    box = page.locator(".scroll", has=page.locator("table.matrix"))
    box.scroll_into_view_if_needed()
    box.evaluate("box => box.scrollTo(200, 300)")
    places = box.evaluate(
        """box => {
            const at = (selector) => box.querySelector(selector).getBoundingClientRect();
            const frame = box.getBoundingClientRect();
            return {down: box.scrollTop, right: box.scrollLeft, head: at('thead th:nth-child(5)').top - frame.top,
                    side: at('tbody tr:nth-child(20) th').left - frame.left};
        }"""
    )
    assert (places["down"], places["right"]) == (300, 200)
    assert 0 <= places["head"] <= 2
    assert 0 <= places["side"] <= 2


def test_no_name_of_a_kernel_lies_over_the_next_column(full: Path, doctored: Path, open_page: Open) -> None:
    for report in (full, doctored):
        page = open_page(report)
        over = page.locator(".matrix tbody th").evaluate_all(
            "cells => cells.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
        )
        assert over == []


@pytest.mark.parametrize(("scheme", "size"), [("light", NARROW), ("dark", WIDE)], ids=["light", "dark"])
def test_axe_finds_no_barrier_and_no_weak_contrast(one: Path, open_page: Open, scheme: str, size: Any) -> None:
    page = open_page(one, size, scheme)
    for kind in ("function:not(.paper)", "paper", "rule"):
        page.locator(f"main details.{kind}:not([open]) > summary").first.click()
    found = Axe().run(page).response
    told = [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]
    assert told == []
    assert "color-contrast" in {one["id"] for one in found["passes"]}


def test_dark_mode_is_dark(doctored: Path, open_page: Open) -> None:
    def brightness(page: Page, property_: str) -> int:
        colour = page.evaluate(f"getComputedStyle(document.body).{property_}")
        return sum(int(number) for number in colour.removeprefix("rgb(").removesuffix(")").split(","))

    light, dark = open_page(doctored), open_page(doctored, scheme="dark")
    assert brightness(light, "backgroundColor") > 700 > 150 > brightness(light, "color")
    assert brightness(dark, "backgroundColor") < 100 < 600 < brightness(dark, "color")


def test_the_report_of_all_kernels_is_of_reasonable_size(full: Path) -> None:
    assert full.stat().st_size < 4_000_000


def test_the_timelines_mark_the_kernels_that_were_checked(full: Path, matrix: Matrix, open_page: Open) -> None:
    page = open_page(full)
    titles = page.locator("svg.timeline").first.locator("title").all_text_contents()
    assert "__kernel_getrandom LINUX_2.6.39: since 6.12" in titles
    release = next(one["release"] for one in matrix.report["kernels"] if one["source"] == "arm64-6.1")
    assert f"checked: {release} (arm64-6.1)" in titles


# --- paper -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False])
def test_on_paper_all_that_matters_is_unfolded(doctored: Path, open_page: Open, tmp_path: Path, scripts: bool) -> None:
    page = open_page(doctored, scripts=scripts)
    if scripts:
        page.get_by_role("button", name="Fold all", exact=True).click()
    paper = tmp_path / "report.pdf"
    paper.write_bytes(page.pdf(prefer_css_page_size=True))
    pages = next(line for line in told_by("pdfinfo", paper).splitlines() if line.startswith("Pages:"))
    assert 5 <= int(pages.split()[1]) <= 60
    text = " ".join(told_by("pdftotext", "-layout", paper, "-").split())
    for wanted in (
        "Not every kernel conforms",
        "it must be there (since 6.12)",
        "known-defect aux-clock-resolution",
        "Package SHA-256",
        "qemu-system-i386",
        "__kernel_rt_sigreturn LINUX_2.6.39",
        "Exports by release",
        "Why facts cannot be observed",
        "Checks that passed are counted here",
    ):
        assert wanted in text, wanted
    assert "Unfold all" not in text


def told_by(*command: str | Path) -> str:
    """What a program prints; it must succeed."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


# --- harm ------------------------------------------------------------------------------------------------------------


def test_what_a_hostile_kernel_says_is_shown_and_does_nothing(doctored: Path, open_page: Open) -> None:
    page = open_page(doctored)
    page.get_by_role("button", name="Unfold all").click()
    page.wait_for_timeout(300)
    assert page.title() == "vDSO compliance report: not every kernel conforms"
    assert page.locator("img, iframe, object, embed, form, [autofocus], [onfocus]").count() == 0
    assert page.locator("script").count() == 1
    text = page.locator("main").inner_text()
    assert "<script>document.title='hit'</script>" in text
    assert "\\u202egpj.exe\\x00\\x1b[31m" in text
    assert "<script>x()//" in text
    assert not set("\u202e\x00\x1b") & set(page.content())
