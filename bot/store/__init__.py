"""What is kept in SQL, one aggregate per file."""
