"""Frozen types and ports; no I/O and no vendor."""
