"""The facts table is complete, may be overridden, and knows what is gone."""

import pytest

from bot.domain.errors import SetupError
from bot.llm._facts import _table, find, priced
from bot.llm.claude import DEFAULT, PROVIDER, ClaudeSettings, open_claude
from tests.llm.served import KEY


@pytest.mark.parametrize("name", _table()["claude"])
def test_every_model_has_prices_limits_and_a_source(name: str) -> None:
    """A forgotten price would make questions look free."""
    facts = find("claude", name, {})
    prices = facts.input_price, facts.output_price, facts.cache_write_price, facts.cache_read_price
    assert all(price > 0 for price in prices)
    assert facts.cache_read_price < facts.input_price < facts.cache_write_price < facts.output_price
    assert facts.context_tokens > facts.max_output_tokens > 8_000
    assert "2026" in facts.source


def test_every_successor_is_in_the_table_and_is_not_retired() -> None:
    """Advice must be usable."""
    table = _table()
    assert PROVIDER.default == DEFAULT
    for entry in table["retired"]["claude"].values():
        assert entry["use"] in table["claude"]
    assert not [name for name in table["claude"] if name.startswith(tuple(table["retired"]["claude"]))]


@pytest.mark.parametrize(
    ("gone", "use"),
    [("claude-3-7-sonnet-20250219", "claude-sonnet-5-5"), ("claude-3-5-haiku-latest", "claude-haiku-5-5"),
     ("claude-opus-4-20250514", "claude-opus-5-5"), ("claude-sonnet-4-5", "claude-sonnet-5-5")],
)  # fmt: skip
def test_a_retired_model_names_its_successor(gone: str, use: str) -> None:
    """At the start, not at the first question."""
    with pytest.raises(SetupError, match=rf"{gone} ends on 2026-\d\d-\d\d; use claude:{use}$"):
        open_claude(ClaudeSettings(api_key=KEY), gone)


def test_an_unknown_model_lists_the_known() -> None:
    """And says how to use one that is newer than the table."""
    with pytest.raises(SetupError, match=r"claude-opus-5-5.* give its facts in the settings"):
        find("claude", "claude-opus-9", {})


def test_settings_add_and_override() -> None:
    """A model that the table does not know, and a price that was negotiated."""
    own = {"gateway-x": {"context_tokens": 64_000, "input_price": 1.5}, DEFAULT: {"input_price": 3.0}}
    assert find("claude", "gateway-x", own).context_tokens == 64_000
    facts = find("claude", DEFAULT, own)
    assert (facts.input_price, facts.output_price) == (3.0, 20.0)


@pytest.mark.parametrize(
    ("fact", "match"), [({"colour": 1}, "no such fact: colour"), ({"input_price": "x"}, "input_price")]
)
def test_a_wrong_fact_stops_the_start(fact: dict[str, object], match: str) -> None:
    """With the name of the model and of the fact."""
    with pytest.raises(SetupError, match=match):
        find("claude", DEFAULT, {DEFAULT: fact})


def test_a_long_prompt_pays_the_long_price_on_every_token() -> None:
    """Cached tokens count for the length, and their prices rise alike."""
    facts = find("claude", "claude-haiku-5-5", {})
    assert priced(facts, 100_000, 1_000, 0, 0).cost_usd == pytest.approx(0.01 + 0.0005)
    long = priced(facts, 50_000, 1_000, 50_000, 1_000).cost_usd
    assert long == pytest.approx((50_000 * 0.5 + 50_000 * 0.05 + 1_000 * 0.625 + 1_000 * 2.5) / 1e6)


def test_the_official_address_needs_a_key() -> None:
    """The message says what to set."""
    with pytest.raises(SetupError, match="ANTHROPIC_API_KEY"):
        open_claude(ClaudeSettings(), "")


def test_an_address_is_a_url() -> None:
    """A bare host would fail at the first question only."""
    with pytest.raises(SetupError, match="base_url"):
        open_claude(ClaudeSettings(base_url="gateway.internal"), "")


def test_the_key_does_not_show() -> None:
    """Neither in the settings' text nor in the model's."""
    settings = ClaudeSettings(api_key=KEY)
    assert KEY not in f"{settings!r} {settings}"
