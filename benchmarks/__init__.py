"""Stopwatches for what must be quick: `make bench`."""
