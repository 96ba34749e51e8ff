"""The tool that says what cannot be scraped."""

from collections import Counter
from typing import Annotated

from bot.domain.evidence import Found
from bot.domain.tools import Desk, tool
from bot.tools import _words
from bot.tools._scope import ENV, ask, rules_of, scope

SHOWN = 30


@tool(role="health", need="rules")
async def scrape_targets(desk: Desk, env: Annotated[str, ENV] = "") -> Found:
    """Which scrape targets are down now and why, and how many of each job are up."""
    told = await ask(scope(desk, "rules", env), lambda instance: rules_of(instance).targets())
    every = [(i, target) for i, targets in told.answers for target in targets]
    down = [(i, target) for i, target in every if not target.up]
    jobs = Counter(target.labels.get("job", "?") for _, target in every if target.up)
    none = tuple(f"{i.name} lists no scrape targets" for i, targets in told.answers if not targets)
    more = (f"{len(down) - SHOWN} more targets that are down are left out",) if len(down) > SHOWN else ()
    missing = (*told.missing, *none, *more)
    lines = [f"{len(every) - len(down)} of {len(every)} targets are up ({told.env})"]
    for i, target in down[:SHOWN]:
        place = f" ({i.shown})" if told.many else ""
        lines.append(f"DOWN {_words.labels(target.labels)}: {target.error or 'last scrape failed'}{place}")
    lines.append("Up by job: " + (", ".join(f"{job} {count}" for job, count in jobs.most_common(20)) or "none"))
    facts = [
        {"labels": dict(target.labels), "error": target.error, "source": i.name, "env": i.shown} for i, target in down
    ]
    return Found(
        text="\n".join([*lines, *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query="scrape targets",
        env=told.env,
        facts={"down": facts[:SHOWN], "up": sum(jobs.values())},
        raw={"down": facts, "up": dict(jobs)},
        summary=f"{len(down)} of {len(every)} targets down",
        missing=missing,
    )


TOOL = scrape_targets
