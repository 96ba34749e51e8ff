"""Durable execution of flows."""
