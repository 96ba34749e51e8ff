"""Pure functions over series and alerts; numpy's only door."""
