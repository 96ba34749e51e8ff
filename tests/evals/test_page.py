"""The page of all runs: nothing in it is loaded or run, everything is escaped."""

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from bot.evals.page import page
from bot.evals.result import Line
from bot.evals.run import Outcome, plan
from tests.evals.made import answer, case, result

NASTY = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"&"


class Tags(HTMLParser):
    """The tags that a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remembered, with what would run on it."""
        self.found += [tag, *(name for name, _ in attrs if name.startswith("on"))]


def made(text: str) -> str:
    """A page whose every text is `text`."""
    asked = case(question=text or "?", about=text)
    jobs = plan([asked], ("playbook", text), 1)
    told = (Line("model", text, text), Line("tool", text, text))
    given = answer(text, text, body=text, missing=(text,))
    states = ("failed", "throttled")
    rows = tuple(
        result(job, state, missed=(text,), answer=given, transcript=told)
        for job, state in zip(jobs, states, strict=True)
    )
    return page(Outcome(rows), ("playbook", text), [asked])


@given(st.text(min_size=1, max_size=40) | st.just(NASTY))
def test_no_text_becomes_markup(text: str) -> None:
    """Whatever a model, a log line or a case's author wrote."""
    assert Tags(made(text)).found == Tags(made("plain")).found


def test_it_stands_alone() -> None:
    """No script, no address, a policy that forbids both."""
    text = made("plain")
    assert "default-src &#x27;none&#x27;" in text
    assert not re.search(r"<script|<link|src=|https?://", text)
