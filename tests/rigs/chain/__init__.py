"""A local chain with the real Uniswap V3 contracts: pools, positions, moved prices, broken answers."""
