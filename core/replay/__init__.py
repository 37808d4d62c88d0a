"""Backtest and calibration: the live decision kernel, compiled, over a recorded year of prices.

Machine floats are allowed in this room alone; nothing here trades.
"""
