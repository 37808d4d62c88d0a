"""The embedded market: a recorded price path, an exact pool traded along it, a synthetic order book."""
