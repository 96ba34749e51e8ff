"""Slack: events in, Slack calls out, against the sandbox."""
