"""The whole product on a laptop: a sandbox Slack, a simulated shop and the vendors that watch it."""
