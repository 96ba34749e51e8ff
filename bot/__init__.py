"""Nightjar, the on-call engineer that lives in a team's incident channels.

The way of a question, and the room each part of it stands in:

    slack      events and commands come in, replies go out        flows    answer, stop: what happens, step by step
    engine     durable execution of flows                          agent    the one loop: ask the model, run tools
    llm        claude, playbook: one provider per file             tools    what a model may call, one tool per file
    sources    prometheus, alertmanager: one kind per file         analysis pure functions over series
    check      what code verifies before anything leaves           store    conversations, evidence, audit in SQL
    domain     frozen types and ports                              demo     a local Slack, a simulated shop
    evals      cases with known answers, graded by code            wiring   builds the whole; cli and web start it
"""

__version__ = "0.1.0"
