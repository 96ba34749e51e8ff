"""The page of all evals in a real browser: wrong runs lie open, and nothing that a model wrote runs."""

from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.demo.slack.test_page import pytestmark as browser
from tests.evals.test_page import NASTY, made

pytestmark = browser


def test_wrong_runs_lie_open_and_nothing_nasty_runs(chrome: Chrome, tmp_path: Path) -> None:
    """Each of the grid's signs leads to its run; what is nasty is shown as it was written."""
    path = tmp_path / "page.html"
    path.write_text(made(NASTY), encoding="utf-8")
    chrome.get(path.as_uri())
    shown = chrome.find_elements(By.CSS_SELECTOR, "body > details[open]")
    assert len(shown) == 2
    assert NASTY in shown[0].text
    links = [link.get_attribute("href") or "" for link in chrome.find_elements(By.CSS_SELECTOR, "td.s a")]
    ids = {one.get_attribute("id") for one in shown}
    assert {
        chrome.execute_script("return decodeURIComponent(new URL(arguments[0]).hash.slice(1))", link) for link in links
    } == ids
    assert chrome.title == "Nightjar evals"
    assert [
        entry
        for entry in chrome.get_log("browser")  # type: ignore[no-untyped-call]
        if "Refused" in entry["message"]
    ] == []
