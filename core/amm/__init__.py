"""Exact V3 pool maths in integers, and the reader that takes positions from a chain."""
