"""LogQL: what is made, what is taken, what is refused."""

import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadArguments
from bot.sources._loki_query import containing, one_of, parsed, pattern, quoted

TAKEN = {
    '{app="cart"}': '{app="cart"}',
    ' { app = "a" , env=~"p.*|q" , } |="x"!~`y+` ': '{app="a", env=~"p.*|q"} |= "x" !~ `y+`',
    '{app=~".+"} |> "<_>x" !> `z`': '{app=~".+"} |> "<_>x" !> `z`',
    '{app!=""} |~ "a" or "b" or `c`': '{app!=""} |~ "a" or "b" or `c`',
    r'{app="a\"}{"} |= "\\"': r'{app="a\"}{"} |= "\\"',
}
REFUSED = {
    "{}": "empty selector",
    "{ }": "empty selector",
    '{app=~".*"}': "would read every log",
    '{app=""}': "would read every log",
    '{app!="x"}': "would read every log",
    '{app!~"x", b=~"|x"}': "would read every log",
    '{app=~"(?i).*"}': "would read every log",
    "": "begins with {",
    "cart": "begins with {",
    'rate({app="a"}[5m])': "begins with {",
    '{app="a"} | json': "only line filters",
    '{app="a"} | line_format "x"': "only line filters",
    '{app="a"} |= "x" | level="error"': "only line filters",
    '{app="a"}[5m]': "only line filters",
    '{app="a"} or {app="b"}': "only line filters",
    '{app="a"} |= ip("1.2.3.4")': "a text in quotes",
    '{app="a"': ", or }",
    '{app="a" b="c"}': ", or }",
    '{app="a}': "a value in quotes",
    "{app=a}": "a value in quotes",
    '{="a"}': "name of a label",
    '{app>"a"}': "one of = !=",
    '{app="a"} |=': "a text in quotes",
    '{app="' + "x" * 3_000 + '"}': "letters long",
}


@pytest.mark.parametrize("text", TAKEN)
def test_selectors_with_line_filters_are_taken(text: str) -> None:
    """As they stand, with blanks put right; what was made of one is taken again."""
    assert str(parsed(text)) == TAKEN[text]
    assert parsed(TAKEN[text]) == parsed(text)


@pytest.mark.parametrize("text", REFUSED)
def test_everything_else_is_refused_with_the_reason(text: str) -> None:
    """Nothing unbounded, no parser, no aggregation; the message says what is wrong and where."""
    with pytest.raises(BadArguments, match=re.escape(REFUSED[text])):
        parsed(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never another error."""
    with suppress(BadArguments):
        assert parsed("{" + text).matchers


@given(st.text(), st.text())
def test_a_text_finds_itself(text: str, around: str) -> None:
    """Quoted and escaped, it matches where it stands, in any case, and the string is a legal one."""
    assert re.search(pattern(text), around + text + around)
    words = quoted(text)
    assert "\n" not in words
    assert json.loads(words) == text.encode("utf-8", "replace").decode()
    assert re.fullmatch(pattern(text), text)


def test_matchers_of_services() -> None:
    """One is compared, several are a pattern of escaped names, none is any; too many are refused."""
    assert one_of("app", ("a.b",)) == 'app="a.b"'
    assert one_of("app", ("a.b", "c|d")) == r'app=~"a\\.b|c\\|d"'
    assert one_of("app", ()) == 'app=~".+"'
    assert containing('50% "x"') == r'|~ "(?i)50% \"x\""'
    with pytest.raises(BadArguments, match="too many"):
        one_of("app", tuple(map(str, range(300))))
