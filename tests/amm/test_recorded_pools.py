"""The pool simulation against recorded operations of both AMMs' bytecode, published swaps, real mints and burns."""

import pytest

from core.amm.amounts import burn_amounts, mint_amounts
from core.amm.pool import Pool, PositionKey
from core.amm.ticks import sqrt_ratio_at_tick
from tests.amm.vectors import AMM_OF_DEX, Record, ints, vectors

SCENARIOS = vectors("evm_pool_scenarios")["scenarios"]
SWAPS = vectors("v3core_snapshots")["swaps"]
MAINNET = vectors("mainnet_liquidity_events_2024-01-05")
EVERYTHING = (1 << 128) - 1


def key_of(record: Record) -> PositionKey:
    """Whose position a record speaks of."""
    return PositionKey(record["owner"], record["tickLower"], record["tickUpper"])


def apply(pool: Pool, op: Record) -> tuple[int, int]:
    """Carry out one recorded operation and return its (amount0, amount1)."""
    if op["op"] == "mint":
        return pool.mint(key_of(op), int(op["liquidity"]))
    if op["op"] == "burn":
        return pool.burn(key_of(op), int(op["liquidity"]))
    if op["op"] == "collect":
        return pool.collect(key_of(op), EVERYTHING, EVERYTHING)
    return pool.swap(
        zero_for_one=op["zeroForOne"], amount_raw=int(op["amountSpecified"]), limit_x96=int(op["sqrtPriceLimitX96"])
    )


def check_state(pool: Pool, after: Record) -> None:
    """Slot0, liquidity and fee growth are the contract's."""
    assert (pool.sqrt_price_x96, pool.tick, pool.liquidity) == ints(after, "sqrtPriceX96", "tick", "liquidity")
    assert pool.growth == ints(after, "feeGrowthGlobal0X128", "feeGrowthGlobal1X128")


def check_position(pool: Pool, record: Record) -> None:
    """A position's stored fields, its principal if burnt now and its fees if poked now are the contract's."""
    stored, key = pool.position(key_of(record)), key_of(record)
    fields = ints(record["position"], "liquidity", "feeGrowthInside0LastX128", "feeGrowthInside1LastX128")
    assert (stored.liquidity, *stored.inside_last) == fields
    assert (stored.owed0_raw, stored.owed1_raw) == ints(record["position"], "tokensOwed0", "tokensOwed1")
    assert pool.principal(key) == ints(record, "principal0", "principal1")
    assert pool.owed(key) == ints(record, "fees0", "fees1")


def check_tick(pool: Pool, record: Record) -> None:
    """A tick's record is the contract's, and it is initialised exactly when the contract's is."""
    state = pool.tick_state(record["tick"])
    fields = ints(record, "liquidityGross", "liquidityNet", "feeGrowthOutside0X128", "feeGrowthOutside1X128")
    assert (state.liquidity_gross, state.liquidity_net, *state.outside) == fields
    assert (state.liquidity_gross > 0) == record["initialized"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_scenario(scenario: Record) -> None:
    """Every recorded operation returns the contract's amounts and leaves the contract's state behind."""
    start, *operations = scenario["ops"]
    pool = Pool(
        fee_pips=scenario["fee"],
        tick_spacing=scenario["tickSpacing"],
        sqrt_price_x96=int(start["sqrtPriceX96"]),
        amm_type=AMM_OF_DEX[scenario["dex"]],
        fee_protocol=scenario["feeProtocol"],
    )
    check_state(pool, start["after"])
    for op in operations:
        assert apply(pool, op) == ints(op, "amount0", "amount1")
        check_state(pool, op["after"])
        for record in op.get("positions", ()):
            check_position(pool, record)
        for record in op.get("ticks", ()):
            check_tick(pool, record)
    assert pool.protocol_owed_raw == ints(scenario, "protocolFees0", "protocolFees1")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_scenario_oracle(scenario: Record) -> None:
    """The ticks between operations add up to the pool's own oracle, so no intermediate tick is wrong."""
    seen: list[tuple[int, int]] = []
    for op in scenario["ops"]:
        seen.append((op["timestamp"], op["after"]["tick"]))
        for point in op.get("observe", ()):
            until = op["timestamp"] - point["secondsAgo"]
            ends = [at for at, _ in seen[1:]] + [until]
            total = sum(tick * (min(end, until) - at) for (at, tick), end in zip(seen, ends, strict=True) if at < until)
            assert total == int(point["tickCumulative"])


def test_published_swaps() -> None:
    """160 swaps published by the core repository move price, amounts and fee growth as printed there."""
    for case in SWAPS:
        pool = Pool(
            fee_pips=case["fee"],
            tick_spacing=case["tickSpacing"],
            sqrt_price_x96=int(case["sqrtPriceX96"]),
            amm_type="uniswap_v3",
        )
        for held in case["positions"]:
            pool.mint(PositionKey("lp", held["tickLower"], held["tickUpper"]), int(held["liquidity"]))
        assert pool.tick == case["tickBefore"]
        amounts = pool.swap(
            zero_for_one=case["zeroForOne"],
            amount_raw=int(case["amountSpecified"]),
            limit_x96=int(case["sqrtPriceLimitX96"]),
        )
        assert amounts == ints(case, "amount0Delta", "amount1Delta")
        assert pool.tick == case["tickAfter"]
        assert pool.growth == ints(case, "feeGrowthGlobal0X128Delta", "feeGrowthGlobal1X128Delta")


def test_mainnet_mints_and_burns() -> None:
    """109 real mints took, and burns gave, exactly the computed amounts."""
    for event in MAINNET["liquidityEvents"]:
        edges = (sqrt_ratio_at_tick(event["tickLower"]), sqrt_ratio_at_tick(event["tickUpper"]))
        amounts = mint_amounts if event["kind"] == "mint" else burn_amounts
        at, liquidity = ints(event, "sqrtPriceX96", "liquidity")
        assert amounts(at, *edges, liquidity) == ints(event, "amount0", "amount1")


def test_mainnet_whole_lives() -> None:
    """What 15 real positions minted and burnt is what the formulas say at those two prices."""
    for life in MAINNET["fullLifecyclePositions"]:
        edges = (sqrt_ratio_at_tick(life["tickLower"]), sqrt_ratio_at_tick(life["tickUpper"]))
        liquidity = int(life["liquidity"])
        assert mint_amounts(int(life["mint"]["sqrtPriceX96"]), *edges, liquidity) == ints(life, "minted0", "minted1")
        assert burn_amounts(int(life["lastBurn"]["sqrtPriceX96"]), *edges, liquidity) == ints(
            life, "burned0", "burned1"
        )
        assert ints(life, "fees0", "fees1") == tuple(
            int(life[f"collected{i}"]) - int(life[f"burned{i}"]) for i in (0, 1)
        )
