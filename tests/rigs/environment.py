"""What the program is told by its environment, to live between the rigs as a process of its own."""

from __future__ import annotations

import os
from pathlib import Path

from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue.server import VenueServer

ROOT = Path(__file__).resolve().parents[2]


def variables(home: Path, venue: VenueServer, telegram: TelegramRig, *, operator: int) -> dict[str, str]:
    """All but the nodes. Configuration and database are in `home`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "BINANCE_API_KEY": venue.credentials.key,
        "BINANCE_API_SECRET": venue.credentials.secret,
        "BINANCE_FUTURES_URL": venue.url,
        "BINANCE_STREAM_URL": venue.stream_url,
        "BINANCE_SPOT_URL": venue.url,
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_OPERATOR_IDS": str(operator),
        "TELEGRAM_API_URL": telegram.api_url,
        "LP_HEDGE_CONFIG": str(home / "hedge.toml"),
        "LP_HEDGE_DB": str(home / "lp_hedge.db"),
    }
