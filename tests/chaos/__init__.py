"""The bot under fire: killed, frozen, stopped and badly connected, and judged by what people see."""
