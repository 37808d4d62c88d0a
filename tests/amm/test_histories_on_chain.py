"""Random histories on the real contracts: whatever happens to positions, pools, wallets, nodes and blocks.

What is read is what the contracts would pay, of the positions that a model of its own says are followed, and no BASE
leaves the exposure unseen. More seeds and steps than run here are worth an hour after every change of the reader.
"""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from pydantic import SecretStr

from core.amm.reader import ChainReader
from core.clock import ManualClock
from core.config import HedgeConfig
from core.errors import Refused, Transient
from core.facts import LpFacts, LpPosition
from core.hedging.life_memory import LifeMemory
from core.hedging.lifecycle import LpView, observe
from core.hedging.plausibility import Doubt, doubt_lp
from core.observation import life_rules
from tests.amm.reading import hedge, preset_of
from tests.rigs.chain import faults
from tests.rigs.chain.artefacts import artefact
from tests.rigs.chain.evm import Contract, Rpc
from tests.rigs.chain.proxy import Fault, RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef

pytestmark = pytest.mark.chain

STEPS, READ_SHARE = 25, 0.45
ZERO = Decimal(0)
FULL_RANGE = 887_272
FEES = {"uniswap_v3": (100, 500, 3000, 10000), "pancakeswap_v3": (100, 500, 2500, 10000)}
# Price of BASE, and how much of it a position holds at most.
MARKETS = ((2000, 25), (Decimal("0.00001"), 10**11), (600, Decimal("0.02")), (Decimal("1.05"), 40_000))
FAULTS: Mapping[str, Fault] = {
    "html": faults.HTML,
    "502": faults.BAD_GATEWAY,
    "garbage": faults.GARBAGE,
    "no body": faults.EMPTY_BODY,
    "429": faults.RATE_LIMITED,
    "null": faults.NULL_RESULT,
    "0x": faults.EMPTY_RESULT,
    "zeros": faults.ZEROS,
    "short": faults.SHORT,
    "dropped": faults.DROPPED,
    "header not found": faults.HEADER_NOT_FOUND,
    "too large": faults.too_large(1500),
    "gas": faults.gas_capped(900_000),
    "lagging": faults.lagging(2),
    "quota": faults.QUOTAS["infura day"],
}


class _PastRpc(Rpc):
    """Answers as of one block."""

    def __init__(self, url: str, block: int) -> None:
        super().__init__(url)
        self._block = hex(block)

    def call(self, method: str, *params: object) -> Any:
        return super().call(method, *(self._block if each == "latest" else each for each in params))


def as_of(rig: ChainRig, block: int) -> ChainRig:
    """The same chain as it stood at a block, for questions only."""
    past, rpc = copy.copy(rig), _PastRpc(rig.rpc_url, block)
    kind = "NonfungiblePositionManager" if rig.amm_type == "uniswap_v3" else "PancakeManager"
    past.manager = Contract(rpc, rig.manager.address, artefact(kind))
    if rig.farm is not None:
        past.farm = Contract(rpc, rig.farm.address, artefact("MasterChefV3"))
    return past


@dataclass
class Held:
    """What the model knows of a position: whose it is, staked or not, and its pool."""

    owner: str
    pool: int
    staked: bool = False


@dataclass
class Ledger:
    """Positions that are there, and those that were burnt."""

    held: dict[int, Held] = field(default_factory=dict)
    burnt: set[int] = field(default_factory=set)


@dataclass
class Interval:
    """What was done since a hedge's last believed read."""

    swapped: bool = False
    replaced: bool = False
    collected: dict[int, Decimal] = field(default_factory=dict)
    wallet_spent: dict[str, Decimal] = field(default_factory=dict)


@dataclass
class Life:
    """One hedge's memory, as the observer keeps it, and what the model expects of its ids."""

    config: HedgeConfig
    memory: LifeMemory = field(default_factory=LifeMemory)
    doubt: Doubt | None = None
    view: LpView | None = None
    followed: list[int] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    wallet: str | None = None
    pools: set[int] = field(default_factory=set)
    interval: Interval = field(default_factory=Interval)


class History:
    """One chain, its hedges on one reader, and a seeded sequence of things that happen."""

    reuse_ids = False

    def __init__(self, rig: ChainRig, seed: int, complain: Callable[[str, str], None]) -> None:
        self.rig, self.random, self._complain = rig, random.Random(seed), complain
        self.now = datetime.now(UTC)
        self.clock = ManualClock(self.now)
        self.ledger = Ledger()
        self.past: dict[int, Ledger] = {}
        self.log: list[str] = []
        self.refilled: set[int] = set()
        self.lives: dict[str, Life] = {}
        self.sizes: list[tuple[Decimal, Decimal]] = []
        self.books_moved = True
        self.pools = self._make_pools()
        self.proxy = RpcProxy(rig.rpc_url)
        self.honest = RpcProxy(rig.rpc_url) if self.random.random() < 0.5 else None
        first = [self.mint(rig.lp, 0), self.mint(rig.lp, 0), self.mint(rig.lp, 0), self.mint(rig.lp, 1)]
        others = [self.mint(rig.other, 0), self.mint(rig.other, 2)]
        self.lives = self._hedges(first, others)
        urls = [self.proxy.url] + ([self.honest.url] if self.honest else [])
        preset = preset_of(rig, *{pool.quote.address: pool.quote for pool in self.pools}.values())
        configs = {name: life.config for name, life in self.lives.items()}
        self.reader = ChainReader(preset, configs, [*map(SecretStr, urls)], self.clock, timeout_s=30)
        self.floor = rig.block_number()

    def complain(self, kind: str, detail: str) -> None:
        self._complain(kind, f"{detail} after {self.log[-12:]}")

    # The world.

    def _make_pools(self) -> list[PoolRef]:
        rig, choice = self.rig, self.random.choice
        fees = self.random.sample(FEES[rig.amm_type], 2)
        pools = []
        if rig.amm_type == "uniswap_v3":
            rig.factory.write("enableFeeAmount", 100, 1, sender=rig.deployer)
        for tiers in (fees, fees[:1]):
            price, size = choice(MARKETS)
            base, quote = rig.pair(
                base=("BASE", 18 if price == MARKETS[1][0] else choice((6, 8, 18))),
                quote=("USDT", choice((6, 18))),
                base_is_token0=choice((True, False)),
            )
            for account in (rig.lp, rig.other):
                most = base.contract.read("balanceOf", account)[0] - base.raw(Decimal(size) * 200)
                base.contract.write("transfer", rig.trader, most, sender=account)
            for fee_pips in tiers:
                pool = rig.create_pool(base, quote, price=price, fee_pips=fee_pips)
                edge = FULL_RANGE // pool.tick_spacing * pool.tick_spacing
                deep = Decimal(size) * 40
                rig.mint_ticks(pool, -edge, edge, owner=rig.trader, base=deep, quote=deep * Decimal(price))
                pools.append(pool)
                self.sizes.append((Decimal(price), Decimal(size)))
        return pools

    def _hedges(self, first: list[int], others: list[int]) -> dict[str, Life]:
        amm, maybe, pool = self.rig.amm_type, self.random.random, self.pools[0].address
        grace = self.random.choice((0, 300, 3600))

        def life(name: str, ids: Any, **more: Any) -> Life:
            more |= {"include_fees": maybe() < 0.6, "no_lp_grace_seconds": grace, "max_chain_age_seconds": 86_400}
            return Life(hedge(ids, amm_type=amm, symbol=f"{name}USDT".upper(), **more))

        return {
            "a": life("a", first[:2]),
            "b": life("b", "all", wallet=self.rig.lp, pool_id=pool),
            "c": life("c", [first[2], first[3]], wallet=self.rig.lp, include_wallet_base=maybe() < 0.5),
            "d": life("d", "all", wallet=self.rig.other, pool_id=pool, include_wallet_base=maybe() < 0.5),
            "e": life("e", others[1:]),
        }

    # What happens. Each notes in the ledger what the model needs.

    def _note(self, what: str) -> None:
        self.log.append(what)
        self.past[self.rig.block_number()] = copy.deepcopy(self.ledger)

    def _ticks(self, at: int) -> tuple[int, int]:
        pool, (price, _) = self.pools[at], self.sizes[at]
        here = int(pool.contract.read("slot0")[1]) // pool.tick_spacing * pool.tick_spacing
        centre = self.random.choice((here, pool.nearest_tick(price)))
        edge = FULL_RANGE // pool.tick_spacing * pool.tick_spacing
        if self.random.random() < 0.1:
            return -edge, edge
        width = pool.tick_spacing * self.random.choice((1, 2, 10, 40))
        shift = pool.tick_spacing * self.random.choice((0, 0, 0, -3, 3, 1, -1))
        return max(-edge, centre - width + shift), min(edge, centre + width + shift)

    def mint(self, owner: str, at: int, to: str | None = None) -> int:
        pool, (price, size) = self.pools[at], self.sizes[at]
        lower, upper = self._ticks(at)
        base = size * self.random.choice((Decimal("0.01"), Decimal("0.3"), 1))
        with self._spending(owner):
            position_id = self.rig.mint_ticks(pool, lower, upper, base=base, quote=base * price, owner=owner)
        self.books_moved = True
        self.ledger.held[position_id] = Held(owner, at)
        self._note(f"mint {position_id} {owner[:6]} pool{at} {lower}..{upper}")
        if to is not None:
            self.transfer(position_id, to)
        return position_id

    @contextmanager
    def _spending(self, owner: str) -> Iterator[None]:
        """BASE that a wallet spends is no drop of the exposure that comes out of nothing."""
        tokens = {pool.base.address: pool.base for pool in self.pools}.values()
        before = {token.address: token.contract.read("balanceOf", owner)[0] for token in tokens}
        yield
        for token in tokens:
            spent = Decimal(before[token.address] - token.contract.read("balanceOf", owner)[0]).scaleb(-token.decimals)
            for life in self.lives.values():
                key = f"{owner} {token.address}"
                life.interval.wallet_spent[key] = life.interval.wallet_spent.get(key, ZERO) + max(spent, ZERO)

    @contextmanager
    def _collecting(self, position_id: int) -> Iterator[None]:
        pool = self.pools[self.ledger.held[position_id].pool]
        before = pool.order.base_quote(*self.rig.expected_collect(position_id).owed)[0]
        yield
        after = pool.order.base_quote(*self.rig.expected_collect(position_id).owed)[0]
        for life in self.lives.values():
            taken = life.interval.collected
            taken[position_id] = taken.get(position_id, ZERO) + before - after

    def increase(self, position_id: int) -> None:
        held = self.ledger.held[position_id]
        price, size = self.sizes[held.pool]
        if not self.rig.liquidity_of(position_id):
            self.refilled.add(position_id)
        base = size * self.random.choice((Decimal("0.05"), 1))
        with self._spending(held.owner):
            self.rig.increase(position_id, self.pools[held.pool], base=base, quote=base * price)
        self._note(f"increase {position_id}")

    def decrease(self, position_id: int) -> None:
        share = self.random.choice(("0.1", "0.5", "0.9", "1"))
        if self.rig.liquidity_of(position_id) > 1:
            self.rig.decrease(position_id, share=share)
            self._note(f"decrease {position_id} {share}")
            if self.random.random() < 0.6:
                self.collect(position_id)

    def collect(self, position_id: int) -> None:
        owed = self.rig.expected_collect(position_id).owed
        most = [(1 << 128) - 1] * 2
        if self.random.random() < 0.4:
            most = [max(0, each * self.random.choice((0, 1, 3, 10)) // 10) for each in owed]
        if not any(most) or not any(owed):
            return
        through, account = self.rig._hands(position_id)
        with self._collecting(position_id):
            through.write("collect", (position_id, account, *most), sender=account)
        self._note(f"collect {position_id} {'all' if most[0] >> 100 else 'part'}")

    def burn(self, position_id: int) -> None:
        if self.rig.liquidity_of(position_id):
            self.rig.decrease(position_id)
            self._note(f"(decrease {position_id})")
        if any(self.rig.expected_collect(position_id).owed):
            with self._collecting(position_id):
                self.rig.collect(position_id)
            self._note(f"(collect {position_id})")
        through, account = self.rig._hands(position_id)
        through.write("burn", position_id, sender=account)
        del self.ledger.held[position_id]
        self.ledger.burnt.add(position_id)
        self.books_moved = True
        self._note(f"burn {position_id}")

    def transfer(self, position_id: int, to: str) -> None:
        held = self.ledger.held[position_id]
        if held.staked or held.owner == to:
            return
        self.rig.transfer(position_id, to)
        held.owner = to
        self.books_moved = True
        self._note(f"transfer {position_id} to {to[:6]}")

    def stake_or_unstake(self, position_id: int) -> None:
        held = self.ledger.held[position_id]
        if self.rig.farm is None:
            return
        if held.staked:
            to = self.random.choice((held.owner, held.owner, self.rig.other, self.rig.trader))
            self.rig.unstake(position_id, to)
            held.staked, held.owner = False, to
        elif self.rig.liquidity_of(position_id):
            self.rig.stake(position_id)
            held.staked = True
        self.books_moved = True
        self._note(f"stake/unstake {position_id} -> {held}")

    def swap(self) -> None:
        at = self.random.randrange(len(self.pools))
        pool, (price, _) = self.pools[at], self.sizes[at]
        ranges = [self.rig.manager.read("positions", each)[5:7] for each, h in self.ledger.held.items() if h.pool == at]
        edges = [edge for pair in ranges for edge in pair if abs(edge) < 800_000]
        if edges and self.random.random() < 0.5:
            tick = self.random.choice(edges)
            self.rig.swap_to_tick(pool, tick)
            self._note(f"swap pool{at} to tick {tick}")
        else:
            target = price * Decimal(self.random.choice(("0.5", "0.9", "0.99", "1", "1.01", "1.1", "2")))
            self.rig.swap_to_price(pool, target)
            self._note(f"swap pool{at} to {target}")
        for life in self.lives.values():
            life.interval.swapped = True

    def reorganise(self) -> None:
        base = self.rig.block_number() - self.random.randint(1, 3)
        if base <= self.floor or base not in self.past:
            return
        undone = sorted(set(self.ledger.held) - set(self.past[base].held))
        if undone and not self.reuse_ids:
            return
        self.rig.reorg(self.rig.block_number() - base)
        self.ledger = copy.deepcopy(self.past[base])
        self.past = {number: ledger for number, ledger in self.past.items() if number <= base}
        self.books_moved = True
        self.refilled |= set(undone)
        for life in self.lives.values():
            life.interval.replaced = True
        self._note(f"reorg to {base}, undone {undone}")

    def step(self) -> None:
        """One thing happens."""
        rig, pick = self.rig, self.random.choice
        mine = [each for each, held in self.ledger.held.items() if held.owner in (rig.lp, rig.other)]
        what = self.random.random()
        if what < 0.12:
            self.mint(pick((rig.lp, rig.other)), pick((0, 0, 1, 2)))
        elif what < 0.15:
            self.mint(rig.trader, pick((0, 1, 2)), to=pick((rig.lp, rig.other)))
        elif what < 0.40:
            self.swap()
        elif what < 0.43:
            self.reorganise()
        elif what < 0.47:
            rig.mine()
            self._note("mine")
        elif mine:
            self._touch(pick(mine))

    def _touch(self, position_id: int) -> None:
        rig, what = self.rig, self.random.random()
        if what < 0.2:
            self.increase(position_id)
        elif what < 0.5:
            self.decrease(position_id)
        elif what < 0.7:
            self.collect(position_id)
        elif what < 0.8:
            self.burn(position_id)
        elif what < 0.88:
            self.transfer(position_id, self.random.choice((rig.lp, rig.other, rig.trader)))
        else:
            self.stake_or_unstake(position_id)

    # What is read, and what it is held against.

    async def prepare(self) -> None:
        """Let the reader find out what there is; the model notes what it then knows."""
        await self.reader.prepare()
        held = self.ledger.held
        for life in self.lives.values():
            named = life.config.named_ids
            beside = {each for other in self.lives.values() if other is not life for each in other.config.named_ids}
            mine = {each for each, at in held.items() if at.owner == life.config.wallet and at.pool == 0}
            life.seen = set() if named else mine - beside
            life.pools = {held[each].pool for each in named}
            life.wallet = held[named[0]].owner if named else None

    async def read(self) -> None:
        """Read, perhaps through a node that fails, and hold what was read against the chain and the model."""
        await self.clock.advance(40)
        self.now += timedelta(seconds=self.random.choice((1, 15, 15, 15, 200, 4000)))
        name = self.random.choice(list(FAULTS)) if self.random.random() < 0.2 else None
        self.proxy.fault = FAULTS[name] if name else None
        self.proxy.forget()
        head = self.rig.block_number()
        try:
            facts = await self.reader.read()
        except (Transient, Refused) as error:
            if name is None or self.honest is not None:
                self.complain("read failed", f"{name}: {error}")
            return
        finally:
            self.proxy.fault = None
            if name:
                await self.clock.advance(4000)
        self.log.append(f"read {name or ''}")
        late = name == "lagging"
        # Of a node that is behind an id that was given a moment ago has never existed: its hedge waits a minute.
        for one, why in () if late else self.reader.faults().items():
            self.complain("refused", f"{one}: {why}")
        methods = [request["method"] for request in self.proxy.requests]
        if name is None and not self.books_moved and methods != ["eth_call"]:
            self.complain("requests", f"{methods} at {head}")
        self.check(facts, head, late=late)

    def check(self, facts: Mapping[str, LpFacts], head: int, *, late: bool) -> None:
        """Amounts always against the block that was named; ids and exposure when it was the head."""
        if set(facts) != set(self.lives) and not late:
            self.complain("hedges", f"{sorted(facts)}")
        for name, one in facts.items():
            at = one.block.number
            if at != head and not late:
                self.complain("block", f"{name} read block {at}, head {head}")
            block = self.rig.rpc.call("eth_getBlockByNumber", hex(at), False)
            if int(one.block.time.timestamp()) != int(block["timestamp"], 16):
                self.complain("time", f"{name} {one.block}")
            rig = self.rig if at == head else as_of(self.rig, at)
            for position in one.positions:
                self._check_amounts(rig, name, position)
            if at == head:
                self._check_ids(name, one)
                self._check_exposure(name, one)
        self.books_moved = late

    def _check_amounts(self, rig: ChainRig, name: str, position: LpPosition) -> None:
        pay = rig.expected_collect(position.position_id)
        base_at = 0 if position.base_is_token0 else 1
        for index, read, owed, decimals in (
            (base_at, position.base, position.owed_base, position.base_decimals),
            (1 - base_at, position.quote, position.owed_quote, position.quote_decimals),
        ):
            units, owed_units = Fraction(read) * 10**decimals, Fraction(owed) * 10**decimals
            told = (units, owed_units, units + owed_units)
            if told != (pay.principal[index], pay.owed[index], pay.total[index]):
                self.complain("amount", f"{name} {position.position_id} token{index} {told} {pay}")
        owner = rig.staker_of(position.position_id) or rig.owner_of(position.position_id)
        if owner.lower() != position.owner:
            self.complain("owner", f"{name} {position.position_id} {position.owner} is {owner}")

    def _check_ids(self, name: str, facts: LpFacts) -> None:
        life, held = self.lives[name], self.ledger.held
        named = {each for other, beside in self.lives.items() if other != name for each in self._named(beside)}
        unfollowed: set[int] = set()
        if life.config.lp_position_ids == "all":
            mine = {each for each, at in held.items() if at.owner == life.config.wallet and at.pool == 0}
            followed = mine - named
            missing = life.seen - followed
        else:
            wanted = self._named(life)
            followed = {each for each in wanted if each in held}
            missing = set(wanted) - followed
            unfollowed = self._unfollowed(life, [each for each in wanted if each in held], named, facts.unfollowed_ids)
        read = [position.position_id for position in facts.positions]
        life.seen |= set(read)
        for what, told, model in (
            ("followed", read, followed),
            ("missing", facts.missing_ids, missing),
            ("unfollowed", facts.unfollowed_ids, unfollowed),
        ):
            if sorted(told) != sorted(model):
                self.complain(what, f"{name} {what} {sorted(told)} but {sorted(model)}")

    def _named(self, life: Life) -> list[int]:
        return [*life.config.named_ids, *life.followed]

    def _unfollowed(self, life: Life, rows: list[int], named: set[int], told: tuple[int, ...]) -> set[int]:
        held = self.ledger.held
        if rows:
            life.pools |= {held[each].pool for each in rows}
            life.wallet = held[rows[0]].owner
        wallet = life.config.wallet or life.wallet
        if wallet == self.rig.trader:
            return set(told)
        return {
            each
            for each, at in held.items()
            if at.owner == wallet and at.pool in life.pools and each not in rows and each not in named
            if each in told or (each not in self.refilled and self.rig.liquidity_of(each))
        }

    def _check_exposure(self, name: str, facts: LpFacts) -> None:
        life = self.lives[name]
        jump = life.config.max_jump_pct
        life.doubt = doubt_lp(
            facts,
            life.memory,
            life.doubt,
            max_jump_pct=jump,
            wallet_counts=life.config.include_wallet_base,
            now=self.now,
        )
        if life.doubt is not None:
            return
        before, memory = life.view, life.memory
        view, life.memory = observe(facts, memory, life_rules(life.config), self.now)
        life.view = view
        done, life.interval = life.interval, Interval()
        if before is None or done.replaced:
            return
        if done.swapped:
            self._check_after_swaps(name, before, view, memory, done)
            return
        # Sums have 28 digits.
        units = max(Decimal(30).scaleb(-facts.base.decimals), before.net_base * Decimal("1e-25"))
        here = {each.position.position_id for each in view.positions}
        gone = [each for each in before.positions if each.position.position_id not in here]
        gone_base, collected = sum((each.base for each in gone), ZERO), sum(done.collected.values(), ZERO)
        expired = sum((each.base for each in memory.departed if each.until and each.until <= self.now), ZERO)
        allowed = units + expired + self._explained(life, before, view, done)
        if life.config.no_lp_grace_seconds == 0:
            allowed += collected + gone_base
        if any(each.position.pool != view.positions[0].position.pool for each in gone) if view.positions else gone:
            return
        drop = before.net_base - view.net_base
        if drop > allowed:
            self.complain("exposure fell", f"{name} by {drop}, explained {allowed}: {memory.departed} {view}")
        if view.departed_base > before.departed_base + gone_base + collected + units:
            self.complain("departed too much", f"{name} {view.departed_base}, {gone_base} gone, {collected} collected")

    def _explained(self, life: Life, before: LpView, view: LpView, done: Interval) -> Decimal:
        """Fees that were collected or went with their position, and BASE that a counted wallet spent elsewhere."""
        total = ZERO
        here = {each.position.position_id for each in view.positions}
        for each in before.positions if life.config.include_fees else ():
            position_id = each.position.position_id
            collected = done.collected.get(position_id, ZERO)
            total += min(each.fee_base, collected) if position_id in here else each.fee_base
        if life.config.include_wallet_base:
            total += done.wallet_spent.get(f"{life.config.wallet} {self.pools[0].base.address}", ZERO)
        return total

    def _check_after_swaps(self, name: str, before: LpView, view: LpView, memory: LifeMemory, done: Interval) -> None:
        """By price alone nothing departs and nothing parked moves."""
        entries = {each.position.position_id: each.position.liquidity for each in view.positions}
        if any(done.collected.values()) or entries != {key: each.liquidity for key, each in memory.positions.items()}:
            return
        still = sum((each.base for each in memory.departed if each.until is None or each.until > self.now), ZERO)
        if view.departed_base - still > view.edge_base * Decimal("1e-25"):
            self.complain("price departed", f"{name} {still} -> {view.departed_base}")
        moved = [now.parked_base - then.parked_base for now, then in zip(view.positions, before.positions, strict=True)]
        if max(map(abs, moved), default=ZERO) > view.edge_base * Decimal("1e-25"):
            self.complain("price parked", f"{name} by {moved}")

    async def aclose(self) -> None:
        """Close reader and proxies."""
        await self.reader.aclose()
        self.proxy.stop()
        if self.honest is not None:
            self.honest.stop()


@pytest.mark.parametrize("amm_type", ["uniswap_v3", "pancakeswap_v3"])
@pytest.mark.parametrize("seed", [708, 725])
async def test_random_history(amm_type: str, seed: int) -> None:
    """What happens, in an order that only the seed knows, with a read after every other step or so."""
    found: list[str] = []
    with ChainRig(amm_type=amm_type, block_time_s=None) as rig:
        history = History(rig, seed, lambda kind, detail: found.append(f"{kind}: {detail}"))
        try:
            await history.prepare()
            for _ in range(STEPS):
                history.step()
                if history.random.random() < READ_SHARE:
                    await history.read()
        finally:
            await history.aclose()
    assert not found, found[0]
