"""Before a vote nothing that a model says of itself tells who it is, and no evidence is touched."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.check.selves import ids_of, nameless

IDS = ("claude:claude-opus-5-5", "claude-opus-5-5", "meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama-4-scout")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("As Claude, I see payment fail.", "As this model, I see payment fail."),
        ("As Claude I cannot look deeper.", "As this model I cannot look deeper."),
        ("Speaking as Llama 3.3, payment fails.", "Speaking as this model, payment fails."),
        ("To me as Claude, my best guess is payment.", "To me as this model, my best guess is payment."),
        ("I'm Llama 4 Maverick and I see 3 errors.", "I'm this model and I see 3 errors."),
        ("I’m **Meta's Llama 4 (unverified)**.", "I’m **this model**."),
        ("Hello, I am Claude Opus 5.5, an AI assistant made by Anthropic.",
         "Hello, I am this model, an AI assistant made by its maker."),
        ("I am a Claude model, so I guess.", "I am this model, so I guess."),
        ("As an Anthropic model, I guess.", "As this model, I guess."),
        ("I'm Anthropic's AI assistant.", "I'm this model."),
        ("I was trained by Meta AI on text.", "I was trained by its maker on text."),
        ("I'm an AI assistant from Anthropic.", "I'm an AI assistant from its maker."),
        ("I'm Llama 4 Scout by Meta, and payment fails.", "I'm this model by its maker, and payment fails."),
        ("Written by Claude\nPayment fails.", "Written by this model\nPayment fails."),
        ("Ich bin Claude.", "Ich bin this model."),
        ("Claude: payment fails.", "this model: payment fails."),
        ("**Claude's analysis:** payment fails.", "**this model's analysis:** payment fails."),
        ("Payment fails.\n\n— Llama 4 Scout", "Payment fails.\n\n— this model"),
        ("Payment fails.\n*Claude*\n", "Payment fails.\n*this model*\n"),
        ("Claude here. Payment fails.", "this model here. Payment fails."),
        ("In Claude's view payment fails.", "In this model's view payment fails."),
        ("Analysis by Claude Sonnet 5.5.", "Analysis by this model."),
        ("claude-opus-5-5 says so, and `llama-4-scout` too.", "this model says so, and `this model` too."),
        ("Claude Opus 5.5 (unverified) finds payment.", "this model finds payment."),
        ("Sent by meta-llama/Llama-4-Scout-17B-16E-Instruct.", "Sent by this model."),
    ],
)  # fmt: skip
def test_a_model_that_names_itself_is_nameless(text: str, shown: str) -> None:
    """Whatever way it does so; the sentence stays one."""
    assert nameless(text, IDS) == shown


@pytest.mark.parametrize(
    "text",
    [
        "llama-gateway restarts since 06:01 [E1].",
        "As llama-gateway restarts, checkout fails.",
        "I'm sure llama-4-scout-proxy is slow; claude-opus-5-5-canary is not.",
        "I am llama-gateway's only reader.",
        "The Anthropic API returns 529 to `claude-proxy` [E2].",
        "Calls to api.anthropic.com/v1 fail; claude.internal:8080 answers.",
        "The deploy was made by Claude Dupont at 12:04.",
        "The image was built by meta-team.",
        "Llama 4 pods restart: 3 of 5.",
        "- llama: 3 restarts\n- meta: 2 restarts",
        "As Meta pixel calls fail, carts are lost.",
        "claude is the service that fails.",
        "- Llama: 3 restarts\n- Claude\n* Meta: 2",
        "AI traffic from OpenAI fails, and so do language model calls from Meta.",
        "I am sure that the outage was created by Google.",
        "I'm certain: requests from Meta are cut.",
    ],
)
def test_evidence_is_not_touched(text: str) -> None:
    """A service, a host or a person of such a name is no model that speaks of itself."""
    assert nameless(text, IDS) == text


@given(st.text(max_size=300))
def test_once_is_enough(text: str) -> None:
    """What is nameless stays as it is."""
    assert nameless(nameless(text, IDS), IDS) == nameless(text, IDS)


@pytest.mark.parametrize(
    "text",
    ["GPT4.4", "4.4", "AI ", "I'm AI ", "as ", "*", "_", "\n", "'", "I'm **", " ", "llama-4-", "Claude-4 4", "I'm a "],
)
def test_no_text_takes_long(text: str) -> None:
    """Whatever a model repeats, its answer is read in one go."""
    began = time.process_time()
    for whole in (text * (32_000 // len(text)), f"I'm GPT{text * 8_000}"):
        nameless(whole, IDS)
    assert time.process_time() - began < 3.0


def test_ids_are_no_plain_words() -> None:
    """A model that is called `scout` or `local` is not taken out of what is said of a service of that name."""
    assert set(ids_of("llama:scout", "scout", "local")) == {"llama:scout"}
    assert "Llama-4-Scout" in set(ids_of("llama:meta-llama/Llama-4-Scout"))
