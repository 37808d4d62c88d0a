"""The whole preflight in order: configuration, chain, exchange, do they fit, Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from bot.chat_settings.shown import all_settings
from bot.fast_clock import program_clock
from bot.preflight.chain import ChainSide, examine_lp
from bot.preflight.exchange import Perp, examine_exchange
from bot.preflight.findings import Examination, Finding, fix, ok, warn
from bot.preflight.push import examine_push
from bot.preflight.sense import examine_contradictions, examine_sense, matters_if_unset
from bot.preflight.standing import Standing, read_standing
from bot.preflight.telegram import examine_telegram
from bot.rendering.settings import Setting
from bot.settings import Settings
from core.clock import Clock, PacedClock, SystemClock
from core.config import Config
from core.errors import ConfigurationError


async def examine(settings: Settings, *, allow_withdrawal_key: bool) -> Examination:
    """Reads, never writes or trades. What cannot be examined is a finding, not an error."""
    clock: Clock = SystemClock()
    file, standing = settings.config, await read_standing(settings, clock)
    settings = replace(settings, config=standing.now.config)
    config = settings.config
    lps, pushes, exchange, telegram = await asyncio.gather(
        asyncio.gather(*(examine_lp(settings, name, clock) for name in config.hedges)),
        examine_push(settings),
        examine_exchange(settings, clock, allow_withdrawal_key=allow_withdrawal_key),
        examine_telegram(settings),
    )
    findings = (
        *_of_this_machine(settings, standing),
        *_of_hedges(config),
        *(finding for lp in lps for finding in lp.findings),
        *pushes,
        *exchange.findings,
        *_of_both_sides(config, lps, exchange.perps),
        *telegram,
    )
    in_force = (*all_settings(file, standing.now), *_environment(settings))
    return Examination(config.mode, findings, in_force)


def _of_this_machine(settings: Settings, standing: Standing) -> Iterator[Finding]:
    """What is known without asking anybody: file, environment, database."""
    yield _configuration(settings)
    yield from (_notice(settings, notice) for notice in settings.notices)
    yield from standing.findings
    yield from _clock(settings)
    yield _addresses(settings)


def _of_hedges(config: Config) -> Iterator[Finding]:
    for name, hedge in config.hedges.items():
        yield from matters_if_unset(name, hedge)
        yield from examine_contradictions(name, hedge)


def _of_both_sides(config: Config, lps: Sequence[ChainSide], perps: Mapping[str, Perp]) -> Iterator[Finding]:
    """Of each hedge whose LP and perpetual could both be read, in the order of `lps`."""
    for (name, hedge), lp in zip(config.hedges.items(), lps, strict=True):
        if lp.facts is not None and hedge.symbol in perps:
            yield from examine_sense(config, name, lp.facts, perps[hedge.symbol])


def _configuration(settings: Settings) -> Finding:
    hedges = ", ".join(settings.config.hedges)
    return ok("configuration", f"{settings.config_path}: {settings.config.mode} mode, hedges {hedges}")


def _notice(settings: Settings, notice: str) -> Finding:
    refuses = settings.config.mode == "live" and notice == settings.around.exposed
    return (fix if refuses else warn)("configuration", notice)


def _clock(settings: Settings) -> Sequence[Finding]:
    """Nothing of the system's own; `run` refuses what is to be fixed here."""
    try:
        clock = program_clock(settings.around)
    except ConfigurationError as error:
        return (fix("clock", str(error)),)
    if not isinstance(clock, PacedClock):
        return ()
    return (
        warn("clock", f"LP_HEDGE_CLOCK makes time run {clock.speed_s:.0f} times as fast, which is for tests alone"),
    )


def _addresses(settings: Settings) -> Finding:
    """Which Binance is meant: a test network left in the environment is seen here."""
    values = settings.around.values
    futures = f"BINANCE_FUTURES_URL {_host(values.binance_futures_url)} ({_origin(settings, 'binance_futures_url')})"
    streams = "BINANCE_STREAM_URL not set beside an exchange of your own: it is asked, and not heard"
    if values.stream_url is not None:
        streams = f"BINANCE_STREAM_URL {_host(values.stream_url)} ({_origin(settings, 'binance_stream_url')})"
    rights = (
        f"the key's rights are asked at {_host(values.spot_url)}" if values.spot_url else "the key's rights: not asked"
    )
    said = f"{futures}; {streams}; {rights}"
    if values.mixes_exchanges:
        return warn("exchange addresses", f"{said}. Are both the same exchange? One is Binance's own, the other is not")
    return ok("exchange addresses", said)


def _origin(settings: Settings, name: str) -> str:
    return "set" if name in settings.around.values.model_fields_set else "default"


def _host(url: str) -> str:
    """Without user, password, path and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _environment(settings: Settings) -> Sequence[Setting]:
    """Of addresses the host alone, as anything else may hold a secret; of secrets only that they are set."""
    values = settings.around.values
    shown = [
        Setting(name.upper(), _shown(getattr(values, name)), settings.around.origin(name.upper()))
        for name in type(values).model_fields
    ]
    chains = [
        Setting(f"{chain}_RPC_URL", f"{len(endpoints.rpc_urls)} set", settings.around.origin(f"{chain}_RPC_URL"))
        for chain, endpoints in settings.around.chains.items()
    ]
    pushed = [
        Setting(f"{chain}_WS_URL", "set, not shown", settings.around.origin(f"{chain}_WS_URL"))
        for chain, endpoints in settings.around.chains.items()
        if endpoints.ws_url is not None
    ]
    return [*shown, *chains, *pushed]


def _shown(value: object) -> str:
    from pydantic import SecretStr

    match value:
        case None:
            return "unset"
        case SecretStr():
            return "set, not shown"
        case tuple():
            return ", ".join(map(str, value)) or "unset"
        case str() if "://" in value:
            return _host(value)
    return str(value)
