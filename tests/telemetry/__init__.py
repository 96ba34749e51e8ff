"""Tests of what Nightjar says about itself."""
