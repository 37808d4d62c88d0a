"""Recorded markets from files to arrays: Binance's klines and funding, a pool's minutes and events."""
