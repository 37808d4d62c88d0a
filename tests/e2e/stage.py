"""The whole world of one hedge on loopback: real contracts, a strict exchange, a strict Bot API, and the program."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from storage.lock import is_running
from tests.rigs import environment
from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef
from tests.rigs.secrets import NODE_KEY, TRAP
from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue.server import VenueServer

OPERATOR = 4711
SYMBOL = "ETHUSDT"
START_PRICE = Decimal(2000)
STOPS_WITHIN_S = 60.0
PLACE = "POST /fapi/v1/order"
# Quick to look, and in no need of a person.
BY_ITSELF = {"approval_over_quote": '"off"', "poll_seconds": '"0.5"'}


@dataclass(slots=True)
class Stage:
    """`settings` are further lines of the hedge's block; they replace the ones given here."""

    folder: Path
    chain: ChainRig
    proxy: RpcProxy
    venue: VenueServer
    telegram: TelegramRig
    pool: PoolRef
    position_id: int
    mode: str = "live"
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        return self.folder / "lp_hedge.db"

    @property
    def configuration(self) -> Path:
        return self.folder / "hedge.toml"

    def configure(self, settings: Mapping[str, str], environment: Mapping[str, str] | None = None) -> None:
        """Change settings of the hedge and, if given, all that the environment says differently."""
        self.settings = {**self.settings, **settings}
        self.environment = self.environment if environment is None else environment
        self.write_configuration()

    def branch(self, name: str, *, proxy: RpcProxy | None = None, telegram: TelegramRig | None = None) -> Stage:
        """The same world for one more program, in a folder of its own with a copy of the database."""
        folder = self.folder / name
        folder.mkdir()
        if self.database.exists():
            shutil.copy(self.database, folder)
        branch = replace(self, folder=folder, proxy=proxy or self.proxy, telegram=telegram or self.telegram)
        branch.write_configuration()
        return branch

    def write_configuration(self) -> None:
        hedge = {
            "chain": '"local"',
            "amm_type": f'"{self.chain.amm_type}"',
            "lp_position_ids": f"[{self.position_id}]",
            "symbol": f'"{SYMBOL}"',
            "poll_seconds": "1",
            "cooldown_seconds": "1",
            "max_position_notional": "50000",
            "max_chain_age_seconds": "60",
        } | dict(self.settings)
        lines = [f'mode = "{self.mode}"', self.chain.chain_block("local", self.pool.quote), "[hedges.eth]"]
        lines += [f"{key} = {value}" for key, value in hedge.items()]
        self.configuration.write_text("\n".join(lines) + "\n")

    def variables(self) -> dict[str, str]:
        world = environment.variables(self.folder, self.venue, self.telegram, operator=OPERATOR)
        return world | {"LOCAL_RPC_URL": f"{self.proxy.url}/{NODE_KEY}"} | dict(self.environment)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bot", *arguments]

    def call(self, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of the program to its end."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        TRAP.look("the output", done.stdout + done.stderr)
        return done

    def set_price(self, price: Decimal | int | str) -> None:
        """Pool and perpetual together, as arbitrage keeps them."""
        self.venue.exchange.set_price(SYMBOL, Decimal(price))
        self.chain.swap_to_price(self.pool, price)

    def short(self) -> Decimal:
        """Size of the short at the venue, by its own books."""
        return -self.venue.exchange.net_position(SYMBOL)

    def base_of(self, *position_ids: int) -> Decimal:
        """What the contract itself would pay in BASE for these positions."""
        paid = (self.chain.expected_collect(position_id).total[0] for position_id in position_ids)
        return Decimal(sum(paid)).scaleb(-18)

    def until_short(self, base: Decimal, *, within: Decimal, timeout_s: float) -> None:
        """Until the short is of this size."""
        self.telegram.wait_for(lambda: abs(self.short() - base) < within, timeout_s=timeout_s)

    def orders_sent(self) -> int:
        return len(self.venue.requests(PLACE))

    def executed(self) -> dict[str, Decimal]:
        return self.venue.exchange.executed_by_client_id()


def set_stage(
    folder: Path,
    chain: ChainRig,
    proxy: RpcProxy,
    venue: VenueServer,
    telegram: TelegramRig,
    *,
    quote: tuple[str, int] = ("USDT", 6),
    fee_pips: int = 500,
) -> Stage:
    """A position of about 5 ETH and 10,000 USDT between 1800 and 2200, in a pool that others share."""
    weth, usdt = chain.wrapped_pair(quote=quote, base_is_token0=True)
    pool = chain.create_pool(weth, usdt, price=START_PRICE, fee_pips=fee_pips)
    chain.mint_position(pool, 200, 20000, base=500, quote=1_000_000, owner=chain.other)
    position_id = chain.mint_position(pool, 1800, 2200, base=5, quote=10_000)
    stage = Stage(folder, chain, proxy, venue, telegram, pool, position_id)
    stage.write_configuration()
    return stage


class Service:
    """`lp-hedge run` as a process of its own; its log is kept beside the database."""

    def __init__(self, stage: Stage, name: str = "run", *, arguments: Sequence[str] = ()) -> None:
        self._stage = stage
        self._arguments = arguments
        self.log = stage.folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Service:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._stage.command("run", *self._arguments),
                cwd=self._stage.folder,
                env=self._stage.variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_running():
            self.kill()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def stop(self, within_s: float = STOPS_WITHIN_S) -> int:
        """SIGTERM, and the exit code."""
        TRAP.look_at_process(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def wait_until_up(self) -> None:
        """Until it holds its database and takes commands."""
        self._stage.telegram.wait_for(lambda: is_running(self._stage.database), timeout_s=60)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def ends(self, within_s: float = 60.0) -> int:
        """The exit code of a service that ends by itself."""
        return self.process.wait(within_s)

    def kill(self) -> None:
        TRAP.look_at_process(self.process.pid)
        self.process.kill()
        self.process.wait()

    def output(self) -> str:
        return self.log.read_text()


def resident_mb(process: int | str) -> float:
    """What it holds in memory, in MiB; "self": this one."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    (line,) = [each for each in status if each.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
