"""Monitoring servers over the simulated shop: Prometheus and Alertmanager, as HTTP clients know them."""

from bot.demo.vendors.server import Vendors

__all__ = ["Vendors"]
