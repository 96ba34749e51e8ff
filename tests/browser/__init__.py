"""The demo as a person at a browser meets it."""
