"""One command per file, reachable as `/oncall x` and as `@nightjar x`."""
