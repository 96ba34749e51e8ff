"""The sandbox Slack, driven by the real SDK and the real Bolt."""
