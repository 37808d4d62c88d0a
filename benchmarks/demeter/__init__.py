"""The same position and hedge in Demeter and in lp-hedge: `make bench-demeter`."""
