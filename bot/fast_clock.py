"""The program's clock: the system's, or for tests of months one that runs faster, where everything else is a test too.

LP_HEDGE_CLOCK="150@1700000000" runs 150 times as fast from that moment on (seconds since the epoch), also over
restarts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.environment import Surroundings
from core.clock import Clock, PacedClock, SystemClock
from core.errors import ConfigurationError

# So much of its own time it must be able to tell from the start on.
LIFE = timedelta(days=365 * 100)


def program_clock(around: Surroundings) -> Clock:
    """Raises ConfigurationError for a faster clock beside any address that is not this machine's own, and for one whose
    time would leave the calendar."""
    wanted = around.values.lp_hedge_clock
    if wanted is None:
        return SystemClock()
    if elsewhere := [name for name, url in _addresses(around) if not _is_loopback(url)]:
        raise ConfigurationError(
            f"LP_HEDGE_CLOCK makes time run faster and is for tests on this machine alone, but "
            f"{' and '.join(elsewhere)} may be elsewhere: remove LP_HEDGE_CLOCK."
        )
    return _paced(wanted)


def _paced(wanted: str) -> PacedClock:
    speed, _, epoch_s = wanted.partition("@")
    if not int(speed):
        raise ConfigurationError("LP_HEDGE_CLOCK must run at least once as fast as the system's clock.")
    try:
        met = datetime.fromtimestamp(int(epoch_s), UTC)
        clock = PacedClock(SystemClock(), start=met, speed_s=float(speed), met=met)
        clock.now() + LIFE
    except (OverflowError, ValueError, OSError):
        raise ConfigurationError(
            f"LP_HEDGE_CLOCK = {wanted} leads out of the calendar: name a moment near the present, or a lower speed."
        ) from None
    return clock


def _addresses(around: Surroundings) -> list[tuple[str, str]]:
    """(variable, address) of all that the program may speak to, with what is in force where none is set."""
    values = around.values
    known = [
        ("BINANCE_FUTURES_URL", values.binance_futures_url),
        ("BINANCE_STREAM_URL", values.stream_url),
        ("BINANCE_SPOT_URL", values.spot_url),
        ("TELEGRAM_API_URL", values.telegram_api_url if values.telegram_bot_token else None),
        ("LP_HEDGE_HEARTBEAT_URL", _revealed(values.lp_hedge_heartbeat_url)),
    ]
    for chain, endpoints in around.chains.items():
        known += [(f"{chain}_RPC_URL", _revealed(url)) for url in endpoints.rpc_urls]
        known += [(f"{chain}_WS_URL", _revealed(endpoints.ws_url))]
    return [(variable, address) for variable, address in known if address]


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _is_loopback(url: str) -> bool:
    """By address alone: what a name leads to may change."""
    try:
        return ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False
