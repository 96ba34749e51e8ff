"""Slack: events in, replies out."""
