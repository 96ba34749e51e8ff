"""One button or modal per file."""
