"""The tool that lists alerting rules."""

from typing import Annotated

from bot.domain.evidence import Found
from bot.domain.facts import RuleFact
from bot.domain.series import Rule
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.tools import _words
from bot.tools._scope import ENV, ask, rules_of, scope

SHOWN = 40
_STATES = {"firing": 0, "pending": 1, "inactive": 2}


@tool(role="rules", need="rules")
async def alert_rules(
    desk: Desk,
    words: Annotated[str, "only rules whose name or expression holds all of these words"] = "",
    env: Annotated[str, ENV] = "",
) -> Found:
    """The alerting rules with their expressions and states: what is watched, and by which threshold."""
    told = await ask(scope(desk, "rules", env), lambda instance: rules_of(instance).rules())
    found = [(i, rule) for i, rules in told.answers for rule in rules if _fits(rule, words)]
    found.sort(key=lambda pair: (_STATES.get(pair[1].state, 2), pair[1].name))
    none = tuple(
        f"{i.name} lists no alerting rules; its API may not serve them" for i, rules in told.answers if not rules
    )
    more = (f"{len(found) - SHOWN} more rules are left out",) if len(found) > SHOWN else ()
    missing = (*told.missing, *none, *more)
    lines = [f"{len(found)} alerting rules ({told.env})" + (f" with {words}" if words else "")]
    lines += [_line(rule, f" ({i.shown})" if told.many else "") for i, rule in found[:SHOWN]]
    return Found(
        text="\n".join([*lines, *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query=f"alerting rules with {words}" if words else "alerting rules",
        env=told.env,
        facts={"rules": [_fact(i, rule) for i, rule in found[:SHOWN]]},
        raw={"rules": [_fact(i, rule) for i, rule in found]},
        summary=f"{len(found)} rules, {sum(rule.state == 'firing' for _, rule in found)} of them firing",
        missing=missing,
    )


def _fits(rule: Rule, words: str) -> bool:
    text = f"{rule.name} {rule.expr}".lower()
    return all(word in text for word in words.lower().split())


def _line(rule: Rule, place: str) -> str:
    held = f" for {_words.span(rule.duration)}" if rule.duration else ""
    severity = f" [{rule.labels['severity']}]" if rule.labels.get("severity") else ""
    return f"{rule.name}{severity} {rule.state}: {' '.join(rule.expr.split())}{held}{place}"


def _fact(instance: Instance, rule: Rule) -> RuleFact:
    return RuleFact(name=rule.name, expr=rule.expr, state=rule.state, source=instance.name)


TOOL = alert_rules
