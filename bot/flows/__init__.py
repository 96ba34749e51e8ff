"""One durable flow per file."""
