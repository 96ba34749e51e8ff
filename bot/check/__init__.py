"""What code verifies before anything leaves."""
