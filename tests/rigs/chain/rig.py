"""The rig: real Uniswap V3 contracts on anvil, and what a test does with them.

Amounts are human `Decimal`s of the token, prices QUOTE per BASE whichever token is first; `*_raw` are token units.
"""

import time
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from types import TracebackType

from eth_abi.packed import encode_packed
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from core.amm.prices import PairOrder, sqrt_from_price
from core.amm.ticks import MAX_SQRT_RATIO_X96, MIN_SQRT_RATIO_X96, sqrt_ratio_at_tick, tick_at_sqrt_ratio
from tests.rigs.chain.artefacts import artefact
from tests.rigs.chain.evm import Contract, Rpc, deploy
from tests.rigs.chain.node import Anvil

MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
FOREVER = 1 << 40
EVERYTHING = (1 << 128) - 1
TICK_SPACINGS = {100: 1, 500: 10, 2500: 50, 3000: 60, 10000: 200}
# Where the stand-in factory finds the creation code of PancakeSwap's pools.
_EXACT = Context(prec=100)
_POOL_CODE = "0x" + "ca" * 20
_INCREASE_LIQUIDITY = "0x3067048beee31b25b2f1681f88dac838c8bba36af25bfb2b7cf7473a5847e35f"


@dataclass(frozen=True, slots=True)
class TokenRef:
    """A token of the rig."""

    contract: Contract
    symbol: str
    decimals: int

    @property
    def address(self) -> str:
        return self.contract.address

    def raw(self, amount: Decimal | int | str) -> int:
        """Human amount -> token units, rounded towards zero."""
        return int(_EXACT.scaleb(Decimal(amount), self.decimals))


@dataclass(frozen=True, slots=True)
class PoolRef:
    """A pool of the rig and which of its tokens is BASE."""

    contract: Contract
    fee_pips: int
    base: TokenRef
    quote: TokenRef
    order: PairOrder

    @property
    def address(self) -> str:
        return self.contract.address

    @property
    def tokens(self) -> tuple[TokenRef, TokenRef]:
        """(token0, token1)."""
        return (self.base, self.quote) if self.order.base_is_token0 else (self.quote, self.base)

    def raw(self, base: Decimal | int | str, quote: Decimal | int | str) -> tuple[int, int]:
        """Human (BASE, QUOTE) -> (token0, token1) units."""
        amounts = self.base.raw(base), self.quote.raw(quote)
        return amounts if self.order.base_is_token0 else (amounts[1], amounts[0])

    @property
    def tick_spacing(self) -> int:
        return TICK_SPACINGS[self.fee_pips]

    def nearest_tick(self, price: Decimal | int | str) -> int:
        """The usable tick at or just below (in pool terms) a price."""
        tick = tick_at_sqrt_ratio(sqrt_from_price(Decimal(price), self.order))
        return tick // self.tick_spacing * self.tick_spacing


@dataclass(frozen=True, slots=True)
class ExpectedPay:
    """What the position manager itself would pay the owner now, raw, by `eth_call`.

    `principal`: what `decreaseLiquidity` of everything answers; `owed`: what `collect` alone would pay; `total`: what
    `collect` pays right after that decrease. Each (token0, token1).
    """

    principal: tuple[int, int]
    owed: tuple[int, int]
    total: tuple[int, int]


class ChainRig:
    """Anvil with one AMM's contracts deployed. Accounts: `deployer`, `lp`, `trader`, `other`. Use as a context manager.

    `uniswap_v3`: factory, pools, position manager and router are the bytecode of npm. `pancakeswap_v3`: the pools are,
    the others are stand-ins, as npm does not carry them, and there is a `farm` that positions can be staked in.
    `block_time_s` None: blocks come only when the rig mines or writes. Without `multicall` its address has no code.
    """

    def __init__(
        self,
        *,
        amm_type: str = "uniswap_v3",
        chain_id: int = 31337,
        block_time_s: float | None = 1,
        multicall: bool = True,
    ) -> None:
        self.amm_type = amm_type
        self.chain_id = chain_id
        self._snapshot_blocks: dict[int, int] = {}
        # Every block is at least a second later than the one before: the deployment starts in the past, so that
        # afterwards blocks carry the wall clock's time.
        self._node = Anvil(chain_id=chain_id, block_time_s=block_time_s, genesis_time=int(time.time()) - 600)
        self.rpc = Rpc(self._node.url)
        self.deployer, self.lp, self.trader, self.other = (
            to_checksum_address(account) for account in self.rpc.call("eth_accounts")[:4]
        )
        self.weth = TokenRef(deploy(self.rpc, artefact("WETH9"), self.deployer), "WETH", 18)
        self.farm: Contract | None = None
        if amm_type == "uniswap_v3":
            self.factory = deploy(self.rpc, artefact("UniswapV3Factory"), self.deployer)
            self.manager = self._with_periphery("NonfungiblePositionManager", self.deployer)
            self.router = self._with_periphery("SwapRouter")
        else:
            self.rpc.call("anvil_setCode", _POOL_CODE, artefact("PancakeV3Pool").bytecode)
            self.factory = deploy(self.rpc, artefact("PancakeFactory"), self.deployer, _POOL_CODE)
            self.manager = self._with_periphery("PancakeManager")
            self.router = self._with_periphery("PancakeSwapper")
            self.farm = deploy(self.rpc, artefact("MasterChefV3"), self.deployer, self.manager.address)
        if multicall:
            self.rpc.call("anvil_setCode", MULTICALL3, artefact("Multicall3").runtime)
        self.sync_clock()

    @property
    def rpc_url(self) -> str:
        """The node itself, past any proxy."""
        return self._node.url

    @property
    def ws_url(self) -> str:
        """The node's WebSocket, on the port of its HTTP."""
        return self._node.ws_url

    def _with_periphery(self, name: str, *more: object) -> Contract:
        return deploy(self.rpc, artefact(name), self.deployer, self.factory.address, self.weth.address, *more)

    def chain_block(self, name: str, *stables: TokenRef) -> str:
        """The `[chains.NAME]` block of a configuration that makes the program read this chain."""
        quoted = ", ".join(f'"{stable.address}"' for stable in stables)
        farms = f'farms = {{ {self.amm_type} = "{self.farm.address}" }}\n' if self.farm else ""
        return (
            f'[chains.{name}]\nchain_id = {self.chain_id}\nwrapped_native = "{self.weth.address}"\n'
            f'stables = [{quoted}]\nposition_managers = {{ {self.amm_type} = "{self.manager.address}" }}\n{farms}'
        )

    def sync_clock(self) -> None:
        """Bring the chain's clock to the wall clock; a block is still never earlier than the one before."""
        self.rpc.call("evm_setTime", int(time.time()))
        self.rpc.mine()

    def mine(self, blocks: int = 1) -> None:
        """Mine empty blocks at once."""
        for _ in range(blocks):
            self.rpc.mine()

    def reorg(self, depth: int) -> None:
        """Replace the newest blocks by as many empty ones: subscribers get the new heads, no log is told as removed.

        Not below a snapshot that is yet to be returned to: anvil cannot return to a block that was replaced.
        """
        self._assert_above_snapshots(depth)
        self.rpc.call("anvil_reorg", depth, [])

    def rollback(self, depth: int) -> None:
        """Take the newest blocks away: the head is that much lower until blocks are mined. Limited like `reorg`."""
        self._assert_above_snapshots(depth)
        self.rpc.call("anvil_rollback", depth)

    def _assert_above_snapshots(self, depth: int) -> None:
        most = self.block_number() - max(self._snapshot_blocks.values(), default=0)
        assert depth <= most, f"only {most} blocks are younger than the snapshot: mine more of them first"

    def block_hash(self, block_number: int | None = None) -> str:
        """Of the newest block, or of one by number."""
        wanted = "latest" if block_number is None else hex(block_number)
        return str(self.rpc.call("eth_getBlockByNumber", wanted, False)["hash"])

    def block_number(self) -> int:
        """Of the newest block."""
        return int(self.rpc.call("eth_blockNumber"), 16)

    def snapshot(self) -> str:
        """Remember the chain's state; give it back to `revert`, once."""
        block_number = self.block_number()
        snapshot_id: str = self.rpc.call("evm_snapshot")
        self._snapshot_blocks[int(snapshot_id, 16)] = block_number
        return snapshot_id

    def revert(self, snapshot_id: str) -> None:
        """Return to a snapshot; later ones are gone."""
        assert self.rpc.call("evm_revert", snapshot_id)
        undone = int(snapshot_id, 16)
        self._snapshot_blocks = {each: at for each, at in self._snapshot_blocks.items() if each < undone}

    def token(self, symbol: str, decimals: int, *, before: str | None = None, after: str | None = None) -> TokenRef:
        """Deploy a token, again and again until its address sorts `before` or `after` another one's."""
        return self._token("TestToken", symbol, decimals, before, after)

    def bytes32_token(self, symbol: str, decimals: int) -> TokenRef:
        """A token whose symbol is a bytes32, like the oldest ones."""
        return self._token("Bytes32Token", symbol, decimals, None, None)

    def _token(self, kind: str, symbol: str, decimals: int, before: str | None, after: str | None) -> TokenRef:
        while True:
            contract = deploy(self.rpc, artefact(kind), self.deployer, symbol, decimals)
            address = int(contract.address, 16)
            if (before is None or address < int(before, 16)) and (after is None or address > int(after, 16)):
                token = TokenRef(contract, symbol, decimals)
                for account in (self.lp, self.trader, self.other):
                    self._supply(token, account)
                return token

    def pair(
        self,
        *,
        base: tuple[str, int] = ("BASE", 18),
        quote: tuple[str, int] = ("USDT", 18),
        base_is_token0: bool = True,
    ) -> tuple[TokenRef, TokenRef]:
        """Two new tokens as (BASE, QUOTE), each (symbol, decimals), sorting as asked."""
        base_token = self.token(*base)
        return base_token, self._other_token(base_token, quote, base_is_token0)

    def wrapped_pair(
        self, *, quote: tuple[str, int] = ("USDT", 6), base_is_token0: bool = True
    ) -> tuple[TokenRef, TokenRef]:
        """(wrapped native coin, new QUOTE), sorting as asked; the accounts are given 10 million native coins."""
        for account in (self.lp, self.trader, self.other):
            self.rpc.call("anvil_setBalance", account, hex(10**25))
            self.weth.contract.write("deposit", sender=account, value_raw=5 * 10**24)
            self._approve(self.weth, account)
        return self.weth, self._other_token(self.weth, quote, base_is_token0)

    def _other_token(self, base: TokenRef, quote: tuple[str, int], base_is_token0: bool) -> TokenRef:
        if base_is_token0:
            return self.token(*quote, after=base.address)
        return self.token(*quote, before=base.address)

    def _supply(self, token: TokenRef, account: str) -> None:
        token.contract.write("mint", account, 10 ** (token.decimals + 15), sender=self.deployer)
        self._approve(token, account)

    def _approve(self, token: TokenRef, account: str) -> None:
        for spender in (self.manager, self.router, self.farm):
            if spender is not None:
                token.contract.write("approve", spender.address, (1 << 256) - 1, sender=account)

    def create_pool(
        self, base: TokenRef, quote: TokenRef, *, price: Decimal | int | str, fee_pips: int = 500
    ) -> PoolRef:
        """Create and initialise a pool at a price."""
        base_is_token0 = int(base.address, 16) < int(quote.address, 16)
        token0, token1 = (base, quote) if base_is_token0 else (quote, base)
        order = PairOrder(base_is_token0, token0.decimals, token1.decimals)
        sqrt_price_x96 = sqrt_from_price(Decimal(price), order)
        self.manager.write(
            "createAndInitializePoolIfNecessary",
            token0.address,
            token1.address,
            fee_pips,
            sqrt_price_x96,
            sender=self.deployer,
        )
        (address,) = self.factory.read("getPool", token0.address, token1.address, fee_pips)
        kind = "UniswapV3Pool" if self.amm_type == "uniswap_v3" else "PancakeV3Pool"
        return PoolRef(Contract(self.rpc, address, artefact(kind)), fee_pips, base, quote, order)

    def mint_position(
        self,
        pool: PoolRef,
        price_lower: Decimal | int | str,
        price_upper: Decimal | int | str,
        *,
        base: Decimal | int | str,
        quote: Decimal | int | str,
        owner: str | None = None,
    ) -> int:
        """Mint at the usable ticks nearest the two prices with at most these amounts; returns the token id."""
        ticks = sorted((pool.nearest_tick(price_lower), pool.nearest_tick(price_upper)))
        return self.mint_ticks(pool, ticks[0], ticks[1], base=base, quote=quote, owner=owner)

    def mint_ticks(
        self,
        pool: PoolRef,
        tick_lower: int,
        tick_upper: int,
        *,
        base: Decimal | int | str,
        quote: Decimal | int | str,
        owner: str | None = None,
    ) -> int:
        """Mint between two ticks with at most these amounts; returns the token id."""
        owner = owner or self.lp
        token0, token1 = pool.tokens
        wanted = pool.raw(base, quote)
        parameters = (token0.address, token1.address, pool.fee_pips, tick_lower, tick_upper, *wanted, 0, 0)
        receipt = self.manager.write("mint", (*parameters, owner, FOREVER), sender=owner)
        minted = [log for log in receipt["logs"] if log["topics"][0] == _INCREASE_LIQUIDITY]
        return int(minted[0]["topics"][1], 16)

    def increase(
        self, position_id: int, pool: PoolRef, *, base: Decimal | int | str, quote: Decimal | int | str
    ) -> None:
        """Add liquidity to a position with at most these amounts."""
        wanted = pool.raw(base, quote)
        through, account = self._hands(position_id)
        through.write("increaseLiquidity", (position_id, *wanted, 0, 0, FOREVER), sender=account)

    def swap_to_price(self, pool: PoolRef, price: Decimal | int | str) -> None:
        """Trade until the pool stands at a price, through whatever liquidity there is; the trader pays."""
        self._swap_to(pool, sqrt_from_price(Decimal(price), pool.order))

    def swap_to_tick(self, pool: PoolRef, tick: int) -> None:
        """Trade until the pool stands at the very beginning of a tick."""
        self._swap_to(pool, sqrt_ratio_at_tick(tick))

    def _swap_to(self, pool: PoolRef, target_x96: int) -> None:
        current_x96 = pool.contract.read("slot0")[0]
        if target_x96 == current_x96:
            return
        self._swap(pool, zero_for_one=target_x96 < current_x96, amount_raw=1 << 100, limit_x96=target_x96)

    def sell_base(self, pool: PoolRef, amount: Decimal | int | str) -> None:
        """Swap an exact amount of BASE for QUOTE."""
        self._swap(pool, zero_for_one=pool.order.base_is_token0, amount_raw=pool.base.raw(amount))

    def buy_base(self, pool: PoolRef, quote_amount: Decimal | int | str) -> None:
        """Swap an exact amount of QUOTE for BASE."""
        self._swap(pool, zero_for_one=not pool.order.base_is_token0, amount_raw=pool.quote.raw(quote_amount))

    def _swap(self, pool: PoolRef, *, zero_for_one: bool, amount_raw: int, limit_x96: int | None = None) -> None:
        paid, bought = pool.tokens if zero_for_one else pool.tokens[::-1]
        if limit_x96 is None:
            limit_x96 = MIN_SQRT_RATIO_X96 + 1 if zero_for_one else MAX_SQRT_RATIO_X96 - 1
        parameters = (paid.address, bought.address, pool.fee_pips, self.trader, FOREVER, amount_raw, 0, limit_x96)
        self.router.write("exactInputSingle", parameters, sender=self.trader)

    def decrease(self, position_id: int, *, share: Decimal | int | str = 1) -> None:
        """Take a share (0..1) of the position's liquidity out; the amounts wait in `tokensOwed`."""
        liquidity = int(self.liquidity_of(position_id) * Fraction(str(share)))
        through, account = self._hands(position_id)
        through.write("decreaseLiquidity", (position_id, liquidity, 0, 0, FOREVER), sender=account)

    def collect(self, position_id: int) -> None:
        """Pay the owner, or who staked the position, all that is owed."""
        through, account = self._hands(position_id)
        through.write("collect", (position_id, account, EVERYTHING, EVERYTHING), sender=account)

    def burn(self, position_id: int) -> None:
        """Decrease everything, collect, and burn the token."""
        if self.liquidity_of(position_id):
            self.decrease(position_id)
        self.collect(position_id)
        through, account = self._hands(position_id)
        through.write("burn", position_id, sender=account)

    def stake(self, position_id: int) -> None:
        """Send the position into the farm, which is first told to farm its pool."""
        owner, farm = self.owner_of(position_id), self._the_farm()
        token0, token1, fee_pips = self.manager.read("positions", position_id)[2:5]
        (pool,) = self.factory.read("getPool", token0, token1, fee_pips)
        if farm.read("v3PoolAddressPid", pool) == (0,):
            farm.write("add", 1, pool, False, sender=self.deployer)
        self.manager.write("safeTransferFrom", owner, farm.address, position_id, sender=owner)

    def unstake(self, position_id: int, to: str | None = None) -> None:
        """Take the position out of the farm, to who staked it or to another account."""
        staker = self.staker_of(position_id)
        assert staker is not None, f"position {position_id} is not staked"
        self._the_farm().write("withdraw", position_id, to or staker, sender=staker)

    def _the_farm(self) -> Contract:
        assert self.farm is not None, f"no farm for {self.amm_type}"
        return self.farm

    def _hands(self, position_id: int) -> tuple[Contract, str]:
        """The contract that takes changes of the position, and the account that may ask for them."""
        staker = self.staker_of(position_id)
        return (self.manager, self.owner_of(position_id)) if staker is None else (self._the_farm(), staker)

    def staker_of(self, position_id: int) -> str | None:
        """The account that staked the position; None when it is not in the farm."""
        if self.farm is None:
            return None
        user = to_checksum_address(self.farm.read("userPositionInfos", position_id)[6])
        return None if int(user, 16) == 0 else user

    def transfer(self, position_id: int, to: str) -> None:
        """Give the position to another account."""
        owner = self.owner_of(position_id)
        self.manager.write("transferFrom", owner, to, position_id, sender=owner)

    def owner_of(self, position_id: int) -> str:
        """The account that holds the position: the farm, once it is staked."""
        return to_checksum_address(self.manager.read("ownerOf", position_id)[0])

    def liquidity_of(self, position_id: int) -> int:
        """The position's liquidity."""
        return int(self.manager.read("positions", position_id)[7])

    def pool_position(self, pool: PoolRef, position_id: int) -> tuple[int, ...]:
        """The pool's own record of all the manager's liquidity in the position's range."""
        lower, upper = self.manager.read("positions", position_id)[5:7]
        key = keccak(encode_packed(["address", "int24", "int24"], [self.manager.address, lower, upper]))
        return tuple(pool.contract.read("positions", key))

    def expected_collect(self, position_id: int) -> ExpectedPay:
        """What the contract itself would pay the owner at the newest block."""
        owner, liquidity = self.owner_of(position_id), self.liquidity_of(position_id)
        take = (position_id, owner, EVERYTHING, EVERYTHING)
        owed = self.manager.read("collect", take, sender=owner)
        if not liquidity:
            return ExpectedPay((0, 0), (owed[0], owed[1]), (owed[0], owed[1]))
        decrease = (position_id, liquidity, 0, 0, FOREVER)
        calls = [self.manager.data("decreaseLiquidity", decrease), self.manager.data("collect", take)]
        (answers,) = self.manager.read("multicall", calls, sender=owner)
        principal = self.manager.outputs("decreaseLiquidity", answers[0])
        total = self.manager.outputs("collect", answers[1])
        return ExpectedPay((principal[0], principal[1]), (owed[0], owed[1]), (total[0], total[1]))

    def stop(self) -> None:
        """End the node."""
        self._node.stop()

    def __enter__(self) -> "ChainRig":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
