"""`python -m benchmarks.chain`: reading the real contracts on a local chain, by poll and as the node pushes its blocks.

What a cycle of many positions asks and costs, and how soon a swap that was mined is known.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Sequence

from pydantic import SecretStr

from benchmarks.lines import Line, tell
from core.amm.heads import HeadStream
from core.amm.presets import ChainPreset, chain_preset
from core.amm.reader import ChainReader
from core.chain_watch import ChainWatch
from core.clock import SystemClock
from core.config import ChainConfig, HedgeConfig
from core.events import Event
from core.feeds import ChainFeed
from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef

CYCLES = 20
SWAPS = 60
TIERS = (500, 3000, 10000)


def measure() -> list[Line]:
    with ChainRig() as rig:
        pools = _pools(rig)
        lines = [line for count in (20, 200) for line in asyncio.run(_cycles(rig, pools, count))]
    with ChainRig(block_time_s=None) as rig:
        lines += asyncio.run(_pushed(rig, _pools(rig)[0]))
    return lines


def _pools(rig: ChainRig) -> list[PoolRef]:
    base, quote = rig.pair(quote=("USDT", 6))
    pools = [rig.create_pool(base, quote, price=2000, fee_pips=fee_pips) for fee_pips in TIERS]
    for pool in pools:
        rig.mint_position(pool, 100, 40000, base=1000, quote=2_000_000, owner=rig.other)
    return pools


def _reader(rig: ChainRig, url: str, pool: PoolRef, ids: Sequence[int]) -> ChainReader:
    return ChainReader(_chain(rig, pool), {"h": _hedge(ids)}, [SecretStr(url)], SystemClock())


def _chain(rig: ChainRig, pool: PoolRef) -> ChainPreset:
    managers = {"uniswap_v3": rig.manager.address}
    override = ChainConfig(chain_id=rig.chain_id, stables=(pool.quote.address,), position_managers=managers)
    return chain_preset("rig", override)


def _hedge(ids: Sequence[int]) -> HedgeConfig:
    return HedgeConfig(chain="rig", amm_type="uniswap_v3", lp_position_ids=tuple(ids), symbol="ETHUSDT")


async def _cycles(rig: ChainRig, pools: Sequence[PoolRef], count: int) -> list[Line]:
    """Ranges all apart, so that nothing is shared between positions."""
    ids = [rig.mint_position(pools[n % 3], 1000 + 3 * n, 2500 + 7 * n, base=1, quote=3000) for n in range(count)]
    with RpcProxy(rig.rpc_url) as proxy:
        reader = _reader(rig, proxy.url, pools[0], ids)
        await reader.prepare()
        await reader.read()
        proxy.forget()
        cpu_s = []
        for _ in range(CYCLES):
            began_s = time.thread_time()  # the proxy's own thread is not the reader's
            await reader.read()
            cpu_s.append(time.thread_time() - began_s)
        requests = len(proxy.requests) / CYCLES
        await reader.aclose()
    where = f"{count} positions over 3 pools"
    return [
        Line(f"{where}: RPC requests a cycle", requests, "", 1.0),
        Line(f"{where}: CPU a cycle", statistics.median(cpu_s) * 1e3, "ms", 150.0 if count > 20 else 25.0),
    ]


async def _pushed(rig: ChainRig, pool: PoolRef) -> list[Line]:
    """From just before a block with a swap is mined to the hedge that is woken with the facts of that block."""
    position_id = rig.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    reader = _reader(rig, rig.rpc_url, pool, [position_id])
    clock, woken = SystemClock(), asyncio.Event()
    feed = ChainFeed(reader, clock)
    await feed.prepare()
    stream = HeadStream(SecretStr(rig.ws_url), _chain(rig, pool))
    hedges = {"h": _hedge([position_id])}
    watch = ChainWatch(
        "rig",
        stream=stream,
        feed=feed,
        pools=reader.pools,
        hedges=hedges,
        wake=lambda name: woken.set(),
        events=_Nowhere(),
        clock=clock,
    )
    running = asyncio.ensure_future(watch.run())
    await asyncio.sleep(1)
    took_ms = [await _one_swap(rig, pool, woken, 2000 if n % 2 else 2040) for n in range(SWAPS)]
    running.cancel()
    await asyncio.wait({running})
    await feed.aclose()
    took_ms.sort()
    return [
        Line("new block to facts, pushed, median", statistics.median(took_ms), "ms", 40.0),
        Line("new block to facts, pushed, p99", took_ms[round(0.99 * (len(took_ms) - 1))], "ms", 120.0),
    ]


async def _one_swap(rig: ChainRig, pool: PoolRef, woken: asyncio.Event, price: int) -> float:
    await asyncio.sleep(1.05 + random.random() / 5)
    woken.clear()
    swapping = asyncio.ensure_future(asyncio.to_thread(rig.swap_to_price, pool, price))
    async with asyncio.timeout(5):
        await woken.wait()
    took_s = time.perf_counter() - rig.rpc.mining_since_s
    await swapping
    return took_s * 1e3


class _Nowhere:
    """Where nobody is told."""

    async def append(self, event: Event) -> None: ...

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        return ()


def main() -> int:
    return tell(measure())


if __name__ == "__main__":
    sys.exit(main())
