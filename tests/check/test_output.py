"""What may be posted."""

import html
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.check.output import REMOVED, defuse, plain
from tests.check.packs import rows

ALLOWED = ("grafana.internal.example", "runbooks.internal.example", "prometheus.internal.example")
SIGNS = "<! <@ <# > | [ ] ]( ) ! @ & amp; &lt; \\ / ` ``` : # . [1]: \u200b \u202e 。"
WORDS = (
    "channel here U1 https:// https: javascript: data:text/html, tel:1 a evil.example e.vil grafana.internal.example"
)
PIECES = st.sampled_from([*SIGNS.split(" "), *WORDS.split(" "), " ", "\n"])


def seen(text: str) -> str:
    """As a reader, a search or a naive client would take it."""
    return unicodedata.normalize("NFKC", html.unescape(text)).casefold()


def holds(row: dict[str, Any], posted: str) -> bool:
    """Whether the property the pack asks for is true of the posted text."""
    if row["expect"] == "text_kept":
        return bool(posted == row["text"])
    if row["expect"] == "allowed_host_kept":
        return "https://" in posted and ".internal.example" in posted
    shown = seen(posted)
    bad = ["<!", "<@", "<#", "@channel", "@here", "@everyone", "javascript:", "tel:", "slack:", "data:"]
    bad += [value.casefold() for value in (row["host"], row["marker"]) if value]
    return not any(word in shown for word in bad)


def test_nothing_of_the_pack_gets_through() -> None:
    """Of 256 hostile answers none keeps a mention, a foreign host or a scheme, and every harmless one is unchanged."""
    failed = [row["text"] for row in rows("slack_output.jsonl") if not holds(row, defuse(row["text"], ALLOWED))]
    assert failed == []


@pytest.mark.parametrize(
    "text",
    [
        "p99 rose from 120 ms to 2.4 s (a < b & c > d) [E1], see [E2].",
        "| service | p99 |\n|---|---|\n| checkout | **2.4 s** |",
        '```\nsum(rate(http_requests_total{code=~"5.."}[5m])) by (pod)\n```',
        "`histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))`",
        "dial 10.2.3.4:5432 refused; mail oncall@example.com; openssl 3.0.11 -> 3.0.13; main.go:42",
        "ledger.payments.svc.cluster.local:8080 and http.server.requests, 4.7× and 2.4µs – fine",
        "dial postgres://payments-db:5432 failed",
        "`main.Run[...](0xc000, {0x1})` and f[0](x)",
        "List<String> and a<b> and x <= 3",
        "Größe 5 °C, 日本語。",
    ],
)
def test_an_honest_text_is_kept(text: str) -> None:
    """Tables, code, bold, evidence ids, addresses inside and technical words stay as they were written."""
    assert defuse(text, ALLOWED) == text


@pytest.mark.parametrize(
    ("text", "posted"),
    [
        ("<!subteam^S1|@sre> <@U1|bob> <#C1|general>", "@ sre @ bob # general"),
        ("@Channel @here, @everyone", "@ Channel @ here, @ everyone"),
        ("[x](https://evil.example/a?b=c)", f"x {REMOVED}"),
        ("![p](https://grafana.internal.example/p.png)", "[p](https://grafana.internal.example/p.png)"),
        ("<https://grafana.internal.example/d/1|board>", "[board](https://grafana.internal.example/d/1)"),
        ("[a](//evil.example/x) [b](/evil) [c](javascript:alert(1))", f"a {REMOVED} b {REMOVED} c {REMOVED}"),
        ("[t][1]\n[1]: https://evil.example/x", f"[t][1]\n[1]: {REMOVED}"),
        ("see https://evil.example/a, then", f"see {REMOVED}, then"),
        ("https://grafana.internal.example@evil.example/", REMOVED),
        ("https://grafana.internal.example.evil.example/", REMOVED),
        ("https:evil.example/x hxxps://evil.example", f"{REMOVED} {REMOVED}"),
        ("db.evil.example and evil。example", "db.evil[.]example and evil[.]example"),
        ("evil.example/path a@evil.example/x", f"{REMOVED} {REMOVED}"),
        ("run deploy.sh with service.name, not `run.sh`", "run `deploy.sh` with `service.name`, not `run.sh`"),
        (
            "<https://evil.example/x> <https://grafana.internal.example/d>",
            f"{REMOVED} https://grafana.internal.example/d",
        ),
        ("GET http://ledger:8080/pay failed", "GET ledger:8080/pay failed"),
        ("GET http://10.1.2.3:80/pay or http://8.8.8.8/x", f"GET 10.1.2.3:80/pay or {REMOVED}"),
        ("&amp;lt;!channel&amp;gt; &#60;!here&#62;", "@ channel @ here"),
        ("a\x00b\x1b[31m\u202ec\ue000d\r\ne\u2028f", "ab[31mcd\ne\nf"),
    ],
)
def test_what_is_met_and_what_becomes_of_it(text: str, posted: str) -> None:
    """The table at the head of the module."""
    assert defuse(text, ALLOWED) == posted


def test_hosts_below_an_allowed_domain_need_the_leading_dot() -> None:
    """`.corp.example` allows all below it and nothing that only ends alike."""
    assert defuse("https://a.corp.example/x", [".corp.example"]) == "https://a.corp.example/x"
    assert defuse("https://a.corp.example/x", ["corp.example"]) == REMOVED
    assert defuse("https://evilcorp.example/x", [".corp.example"]) == REMOVED


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_mixture_of_pieces_makes_a_mention_or_a_foreign_link(text: str) -> None:
    """Whatever the parts are put together to, no mention, foreign host or hidden character comes out."""
    posted = defuse(text, ALLOWED)
    assert not re.search(r"<[!@#]|@(?:channel|here|everyone)\b", posted)
    assert not re.search(r"evil\.example(?![\w.-])", re.sub("[。．｡]", ".", posted))
    assert not {unicodedata.category(c) for c in posted if c not in "\n\t"} & {"Cc", "Cf", "Co", "Cs"}


@given(st.text())
def test_no_hidden_character_survives(text: str) -> None:
    """Of any text only what is seen is left, and doing it twice changes nothing."""
    once = plain(text)
    assert not {unicodedata.category(c) for c in once if c not in "\n\t"} & {"Cc", "Cf", "Co", "Cs"}
    assert plain(once) == once


def test_encoding_without_end_is_cut_off() -> None:
    """A text encoded many times over is not decoded into a mention somewhere else."""
    assert "&amp;" not in defuse("&" + "amp;" * 500 + "lt;!channel&gt;")
