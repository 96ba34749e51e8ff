"""Secrets are masked, and nothing else is. Every secret here is made up when the test runs."""

import random
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.check.redact import Redactor, redact
from tests.check.packs import rows

ALNUM = string.ascii_letters + string.digits


def made(length: int, letters: str = ALNUM) -> str:
    """A random run of characters with a digit, a small and a big letter in it."""
    return "a7Q"[: min(3, length)] + "".join(random.choice(letters) for _ in range(length - 3))


def left(row: dict[str, Any]) -> bool:
    """Whether six characters of a labelled secret are left outside the text around it."""
    text = "".join(row["parts"])
    around = text
    for span in reversed(row["spans"]):
        around = around[: span["start"]] + "\0" + around[span["end"] :]
    shown = redact(text)
    secrets = [text[span["start"] : span["end"]] for span in row["spans"]]
    pieces = {s[i : i + 6] for s in secrets for i in range(len(s) - 5)}
    return any(piece in shown and piece not in around for piece in pieces)


def test_no_secret_of_the_pack_is_left() -> None:
    """Of 760 secrets in 33 families and 10 contexts none leaks six characters."""
    found = [row for row in rows("secrets.jsonl") if row["label"] == "secret"]
    assert len(found) == 760
    assert [row["id"] for row in found if left(row)] == []


def test_clean_lines_of_the_pack_are_untouched() -> None:
    """Of 760 clean lines that look dangerous at most 2 in a hundred are changed."""
    texts = ["".join(row["parts"]) for row in rows("secrets.jsonl") if row["label"] == "clean"]
    assert sum(redact(text) != text for text in texts) <= 0.02 * len(texts)


@pytest.mark.parametrize(
    ("before", "length", "after", "kind"),
    [
        ("key AKIA", 16, "", "aws key"),
        ("sk-ant-api03-", 40, " end", "anthropic key"),
        ("ghp_", 36, ")", "GitHub token"),
        ("xoxb-12-34-", 24, "", "slack token"),
        ("token hf_", 34, "", "service token"),
        ("password=", 12, "&user=bob", "password"),
        ('"db_password": "', 16, '", "a": 1', "password"),
        ("name: DB_PASSWORD\n  value: ", 14, "\n", "secret"),
        ("mysql --password ", 12, " -h db", "password"),
        ("curl -u admin:", 12, " http://a", "password"),
        ("CREATE USER a IDENTIFIED BY '", 12, "'", "password"),
        ("<apiKey>", 20, "</apiKey>", "secret"),
        ("Authorization: Bearer ", 30, "", "authorization"),
        ("postgres://app:", 12, "@db:5432/x", "password"),
        ("https://", 32, "@sentry.example.com/3", "token"),
        ("Cookie: theme=dark; sid=", 32, "; a=b", "cookie"),
        ("GET /cb?state=1&code=", 30, "&a=b", "token"),
        ("$2b$12$", 50, "", "password hash"),
    ],
)
def test_each_kind_is_masked_and_named(before: str, length: int, after: str, kind: str) -> None:
    """The secret goes, its kind is told, and the text around it stays."""
    secret = made(length) if "AKIA" not in before else made(length).upper()
    shown = redact(before + secret + after)
    assert secret[3:9] not in shown
    assert f"[masked: {kind}]" in shown
    assert shown.endswith(after)


@pytest.mark.parametrize(
    "text",
    [
        "password: must be at least 12 characters",
        "input_tokens=2749 max_tokens=4096",
        "api_key=${API_KEY} password=null token=***",
        "redis GET key=user:2351:profile miss; partition_key=tenant-42",
        "https://status.example.com:8443/@page and ssh://git@example.com:22/a.git",
        "basic authentication failed for bearer of bad news",
        "compass=north bypass=false keyboard=us",
        "pwd=",
        'sum(rate(http_requests_total{job="a",code=~"5.."}[5m])) by (token_type)',
        "trace_id=01427c2d2874fbedc6cb1fe1b9529708 commit 2c8f212922242572dc81a281bc44f9a8abe12b11",
        "[masked: password] password=[masked: password]",
    ],
)
def test_ordinary_lines_are_the_same_object(text: str) -> None:
    """What only sounds like a secret is not touched."""
    assert redact(text) is text


def test_a_private_key_goes_whole_even_without_its_end() -> None:
    """A key block is masked with its header, and so is one whose end was cut off before it came here."""
    body = "\n".join(made(64) for _ in range(4))
    whole = f"got -----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY----- from env"
    assert redact(whole) == "got [masked: private key] from env"
    assert body[70:90] not in redact(whole[:200])


def test_masking_before_cutting_leaves_no_half() -> None:
    """Cut anywhere after masking, no part of the secret is there."""
    secret = made(40)
    shown = redact(f"level=info api_key={secret} done")
    assert all(secret[:6] not in shown[:cut] for cut in range(len(shown)))


def test_text_in_any_script_survives() -> None:
    """Only the secret's bytes change, also between letters of several bytes, and a lone surrogate does no harm."""
    assert (
        redact(f"ключ пароль password={made(12)} 日本 \ud800") == "ключ пароль password=[masked: password] 日本 \ud800"
    )


@given(st.text(), st.text())
def test_masking_twice_changes_nothing(before: str, after: str) -> None:
    """A masked text is clean."""
    shown = redact(f"{before} ghp_{made(36)} {after}")
    assert redact(shown) == shown


def test_configured_secrets_are_masked_verbatim() -> None:
    """The bot's own secrets go even where no rule knows them, as they are and percent-encoded; short ones are left."""
    own = f"p/w {made(8)}"
    shown = Redactor([own, "abc", ""])(f"a {own} b {own.replace('/', '%2F').replace(' ', '%20')} abc")
    assert shown == "a [masked: configured secret] b [masked: configured secret] abc"
    assert Redactor()("plain text here") == "plain text here"
