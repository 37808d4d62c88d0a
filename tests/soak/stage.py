"""Three hedges on two chains, an exchange and a Bot API on one fast time, and the program as a process among them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from core.clock import PacedClock, SystemClock
from core.config import HedgeConfig
from tests.rigs import environment
from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef
from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue import Exchange, VenueServer, VenueThread
from tests.soak.market import BNB, ETH, PricePath, recorded

OPERATOR = 4711
BALANCE = Decimal(400_000)
POLL_S = 60
DAY_MINUTES = 24 * 60
GIVES_UP_AFTER_S = 60.0
# By hedge, what its block says beyond what all of them say. Between them: each kind of order, slices, and questions.
SETTINGS = {
    "eth": {"approval_over_quote": '"off"', "rebalance_to": '"edge"'},
    "bnb": {
        "approval_over_quote": "1500",
        "approval_timeout_seconds": "7200",
        "twap_over_quote": "1000",
        "twap_duration_seconds": "240",
        "twap_interval_seconds": "60",
    },
    "btc": {"approval_over_quote": '"off"', "order_type": '"post_only"', "limit_timeout_seconds": "180"},
}
# Of all hedges; docs/reliability.md says why each is not its default.
OF_ALL = {
    "poll_seconds": str(POLL_S),
    "max_position_notional": "200000",
    "max_chain_age_seconds": "180",
    "max_price_age_seconds": "60",
    "delta_band_pct": "1",
    "delta_band_quote": "100",
}


def in_force(hedge: str) -> HedgeConfig:
    """The settings of this hedge, defaults included; of its place in the world nothing that is true."""
    place = {"chain": "first", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": "ETHUSDT"}
    text = "\n".join(f"{key} = {value}" for key, value in (OF_ALL | SETTINGS[hedge]).items())
    return HedgeConfig.model_validate(place | tomllib.loads(text))


@dataclass(slots=True)
class Leg:
    """One hedge's world. `lower`, `upper`: of its LP position, QUOTE per BASE."""

    name: str
    symbol: str
    chain_name: str
    chain: ChainRig
    pool: PoolRef
    path: PricePath
    position_id: int
    lower: Decimal
    upper: Decimal


@dataclass(slots=True)
class SoakStage:
    folder: Path
    clock: PacedClock
    clock_text: str
    chains: dict[str, ChainRig]
    proxies: dict[str, list[RpcProxy]]
    venue: VenueServer
    telegram: TelegramRig
    legs: list[Leg]

    @property
    def database(self) -> Path:
        return self.folder / "lp_hedge.db"

    @property
    def exchange(self) -> Exchange:
        return self.venue.exchange

    def elapsed_s(self) -> float:
        """Of the soak's own time."""
        return self.clock.monotonic_s()

    def of_machine(self, seconds_s: float) -> timedelta:
        """So many seconds of the machine's own time, by the fast clock."""
        return timedelta(seconds=seconds_s * self.clock.speed_s)

    def write_configuration(self) -> None:
        lines = ['mode = "live"']
        for name, chain in self.chains.items():
            quotes = {leg.pool.quote.address: leg.pool.quote for leg in self.legs if leg.chain_name == name}
            lines.append(chain.chain_block(name, *quotes.values()))
        for leg in self.legs:
            block = {
                "chain": f'"{leg.chain_name}"',
                "amm_type": f'"{leg.chain.amm_type}"',
                "lp_position_ids": f"[{leg.position_id}]",
                "symbol": f'"{leg.symbol}"',
            }
            lines.append(f"[hedges.{leg.name}]")
            lines += [f"{key} = {value}" for key, value in (block | OF_ALL | SETTINGS[leg.name]).items()]
        (self.folder / "hedge.toml").write_text("\n".join(lines) + "\n")

    def variables(self) -> dict[str, str]:
        nodes = {f"{name.upper()}_RPC_URL": ",".join(p.url for p in each) for name, each in self.proxies.items()}
        world = environment.variables(self.folder, self.venue, self.telegram, operator=OPERATOR)
        return world | nodes | {"LP_HEDGE_LOG_LEVEL": "WARNING", "LP_HEDGE_CLOCK": self.clock_text}


@dataclass(frozen=True, slots=True)
class Exit:
    """`took_s`: from SIGTERM to the end, of the machine's own time."""

    code: int
    took_s: float


class Program:
    """`lp-hedge run` as a process that is started again and again; its log goes on in one file."""

    def __init__(self, stage: SoakStage) -> None:
        self._stage = stage
        self._process: subprocess.Popen[bytes] | None = None
        self.log = stage.folder / "run.log"

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"],
                cwd=self._stage.folder,
                env=self._stage.variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> Exit:
        """By SIGTERM. Raises TimeoutExpired when it does not end."""
        assert self._process is not None
        asked_s = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(GIVES_UP_AFTER_S)
        return Exit(code, time.monotonic() - asked_s)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@contextmanager
def soak_stage(folder: Path, *, speed: int, minutes: int, random: Random) -> Iterator[SoakStage]:
    """Everything but the program, on a time that begins when all is set up."""
    with ExitStack() as stack:
        chains = {
            "first": stack.enter_context(ChainRig(block_time_s=None)),
            "second": stack.enter_context(ChainRig(amm_type="pancakeswap_v3", chain_id=31338, block_time_s=None)),
        }
        legs = _legs(chains, minutes, random)
        met = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()), UTC)
        clock = PacedClock(SystemClock(), start=met, speed_s=speed, met=met)
        exchange = Exchange(wall_ms=lambda: int(clock.now().timestamp() * 1000))
        exchange.set_balance(BALANCE)
        server = VenueServer(exchange, speed=speed)
        venue = stack.enter_context(VenueThread(server))
        telegram = stack.enter_context(TelegramRig())
        telegram.add_chat(OPERATOR)
        proxies = {name: [stack.enter_context(RpcProxy(c.rpc_url)) for _ in range(2)] for name, c in chains.items()}
        clock_text = f"{speed}@{int(met.timestamp())}"
        stage = SoakStage(folder, clock, clock_text, chains, proxies, venue, telegram, legs)
        stage.write_configuration()
        yield stage


def _legs(chains: dict[str, ChainRig], minutes: int, random: Random) -> list[Leg]:
    first, second = chains["first"], chains["second"]
    weth, usdt = first.wrapped_pair(quote=("USDT", 6))
    btc, usdc = first.pair(base=("BTC", 8), quote=("USDC", 6), base_is_token0=False)
    bnb, usd = second.pair(base=("BNB", 18), quote=("USDT", 18))
    skip = random.randrange(0, 10 * DAY_MINUTES)
    eth_path = recorded(ETH, minutes=minutes, skip_minutes=skip)
    bnb_path = recorded(BNB, minutes=minutes, skip_minutes=skip)
    btc_path = recorded(ETH, minutes=minutes, skip_minutes=skip + 15 * DAY_MINUTES, times=30)
    made = []
    for name, chain_name, base, quote, path, value in (
        ("eth", "first", weth, usdt, eth_path, 30_000),
        ("btc", "first", btc, usdc, btc_path, 100_000),
        ("bnb", "second", bnb, usd, bnb_path, 30_000),
    ):
        chain, price = chains[chain_name], path.at(0)
        pool = chain.create_pool(base, quote, price=price, fee_pips=500)
        chain.mint_position(pool, price / 10, price * 10, base=50_000_000 / price, quote=50_000_000, owner=chain.other)
        lower = min(path.quantile(0.05), price * Decimal("0.97"))
        upper = max(path.quantile(0.95), price * Decimal("1.03"))
        number = chain.mint_position(pool, lower, upper, base=value / price, quote=value)
        symbol = f"{name.upper()}USDT"
        made.append(Leg(name, symbol, chain_name, chain, pool, path, number, lower, upper))
    return made
