"""The whole world of one hedge on loopback: real contracts, a strict exchange, a strict Bot API, and the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef
from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue.server import VenueServer

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = 4711
SYMBOL = "ETHUSDT"
START_PRICE = Decimal(2000)
STOPS_WITHIN_S = 5.0


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

    def write_configuration(self) -> None:
        hedge = {
            "chain": '"local"',
            "amm_type": '"uniswap_v3"',
            "lp_position_ids": f"[{self.position_id}]",
            "symbol": f'"{SYMBOL}"',
            "poll_seconds": "1",
            "cooldown_seconds": "1",
            "max_position_notional": "50000",
            "max_chain_age_seconds": "60",
        } | dict(self.settings)
        lines = [f'mode = "{self.mode}"', self.chain.chain_block("local", self.pool.quote), "[hedges.eth]"]
        lines += [f"{key} = {value}" for key, value in hedge.items()]
        (self.folder / "hedge.toml").write_text("\n".join(lines) + "\n")

    def variables(self) -> dict[str, str]:
        keys = self.venue.credentials
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "LOCAL_RPC_URL": self.proxy.url,
            "BINANCE_API_KEY": keys.key,
            "BINANCE_API_SECRET": keys.secret,
            "BINANCE_FUTURES_URL": self.venue.url,
            "BINANCE_STREAM_URL": self.venue.stream_url,
            "BINANCE_SPOT_URL": self.venue.url,
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_OPERATOR_IDS": str(OPERATOR),
            "TELEGRAM_API_URL": self.telegram.api_url,
            "LP_HEDGE_CONFIG": str(self.folder / "hedge.toml"),
            "LP_HEDGE_DB": str(self.database),
        } | dict(self.environment)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bot", *arguments]

    def call(self, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command of the program to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def set_price(self, price: Decimal | int | str) -> None:
        """Pool and perpetual together, as arbitrage keeps them."""
        self.venue.exchange.set_price(SYMBOL, Decimal(price))
        self.chain.swap_to_price(self.pool, price)

    def short(self) -> Decimal:
        """Size of the short at the venue, by its own books."""
        return -self.venue.exchange.net_position(SYMBOL)

    def orders_sent(self) -> int:
        return len(self.venue.requests("POST /fapi/v1/order"))

    def executed(self) -> dict[str, Decimal]:
        return self.venue.exchange.executed_by_client_id()


class Service:
    """`lp-hedge run` as a process of its own; its log is kept beside the database."""

    def __init__(self, stage: Stage, name: str = "run") -> None:
        self._stage = stage
        self.log = stage.folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Service:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._stage.command("run"),
                cwd=self._stage.folder,
                env=self._stage.variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOPS_WITHIN_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def output(self) -> str:
        return self.log.read_text()
