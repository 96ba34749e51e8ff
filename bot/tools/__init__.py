"""One tool per file, over the ports."""
