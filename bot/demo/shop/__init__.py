"""A small shop, simulated: what its instances would have shown a scraper, and what is really wrong with it."""

from bot.demo.shop.faults import FAULTS, Truth
from bot.demo.shop.simulation import Shop

__all__ = ["FAULTS", "Shop", "Truth"]
