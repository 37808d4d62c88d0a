"""`lp-hedge init`: from a chain, a position id and a symbol to a working hedge.toml and .env, with a band and why."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

from pydantic import ValidationError

from bot.config_file import mistakes
from bot.environment import Surroundings, http_endpoints, read_environment, rpc_name
from bot.preflight.chain import value_quote
from bot.preflight.exchange import Perp, read_perp
from bot.preflight.pace import Pace
from bot.preflight.sense import bands_in_force, pace_of, pace_sentence
from bot.preflight.telegram import people_who_write
from core.amm.presets import PRESETS, ChainPreset, chain_preset, position_manager
from core.amm.reader import ChainReader
from core.clock import Clock, SystemClock
from core.config import HedgeConfig
from core.errors import ConfigurationError, LpHedgeError
from core.facts import LpFacts

USUAL_AMM = {"bsc": "pancakeswap_v3"}
SHARE_OF_VALUE = Decimal("0.02")
SMALLEST_ORDERS = 2
MOST_TRADES_PER_DAY = 30
WIDEN_BY = Decimal("1.25")
MOST_WIDENINGS = 40
LISTEN_S = 30.0
GLANCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was typed after `init`; None is asked for when there is a terminal."""

    chain: str | None
    position_id: int | None
    symbol: str | None
    amm_type: str | None
    rpc_url: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """`why`: sentences. `perp` None: the exchange could not be asked, the band is then of the position alone."""

    facts: LpFacts
    perp: Perp | None
    band_quote: Decimal
    why: tuple[str, ...]


def write_first_config(wishes: Wishes, target: Path, env_file: Path) -> str:
    """Writes both files and returns what to tell the operator. Raises ConfigurationError, Refused, Transient."""
    if target.exists():
        raise ConfigurationError(f"{target} exists already: move it away, or name another file with --config.")
    clock: Clock = SystemClock()
    around = read_environment(env_file if env_file.exists() else None)
    chain = _preset(wishes.chain or _ask("chain", f"one of {', '.join(PRESETS)}", "--chain"))
    amm_type = wishes.amm_type or USUAL_AMM.get(chain.name, "uniswap_v3")
    position_manager(chain, amm_type)
    position_id = wishes.position_id or _number(_ask("position id", "the NFT's token id", "--id"))
    symbol = wishes.symbol or _ask("perpetual", "such as BNBUSDT", "--symbol")
    urls = _rpc_urls(wishes, around, chain)
    hedge = _hedge(chain.name, amm_type, position_id, symbol)
    proposal = asyncio.run(propose(hedge, chain, urls, around.values.binance_futures_url, clock))
    _write(target, config_text(hedge, proposal), mode=0o644)
    noted = _note_endpoint(env_file, rpc_name(chain.name), urls, around)
    people = _people(around)
    return "\n".join([f"Wrote {target}{noted}.", *proposal.why, *people, "Next: lp-hedge check, then lp-hedge run."])


async def propose(
    hedge: HedgeConfig, chain: ChainPreset, urls: Sequence[str], futures_url: str, clock: Clock
) -> Proposal:
    """Reads the position and the market. Raises Refused and Transient of the chain; the exchange may be silent."""
    reader = ChainReader(chain, {"first": hedge}, urls, clock)
    try:
        await reader.prepare()
        facts = (await reader.read())["first"]
    finally:
        await reader.aclose()
    value = value_quote(facts)
    band = value * SHARE_OF_VALUE
    why = [f"Position {hedge.lp_position_ids}: worth {value:.2f} {facts.quote.symbol} at {facts.price:.6g}."]
    try:
        perp = await read_perp(futures_url, hedge.symbol, clock)
    except LpHedgeError as error:
        why.append(f"The exchange could not be asked ({error}), so the band is 2 % of that: {_round_up(band)}.")
        return Proposal(facts, None, _round_up(band), tuple(why))
    return _with_market(hedge, facts, perp, band, why)


def _with_market(hedge: HedgeConfig, facts: LpFacts, perp: Perp, band: Decimal, why: list[str]) -> Proposal:
    smallest = bands_in_force(hedge, facts, perp).smallest * SMALLEST_ORDERS
    reason = "2 % of its value" if band >= smallest else f"{SMALLEST_ORDERS} of the exchange's smallest orders"
    band = _round_up(max(band, smallest))
    widened = 0
    while _is_busy(pace_of(hedge, facts, perp, band, Decimal(0))) and widened < MOST_WIDENINGS:
        band, widened = _round_up(band * WIDEN_BY), widened + 1
    if widened:
        reason += f", widened until theory has at most {MOST_TRADES_PER_DAY} trades a day"
    why.append(f"Band {band} {facts.quote.symbol}: {reason}.")
    if (pace := pace_of(hedge, facts, perp, band, Decimal(0))) is not None:
        why.append(f"Expect {pace_sentence(pace, perp, facts)}.")
    return Proposal(facts, perp, band, tuple(why))


def _is_busy(pace: Pace | None) -> bool:
    return pace is not None and pace.trades > MOST_TRADES_PER_DAY


def config_text(hedge: HedgeConfig, proposal: Proposal) -> str:
    """The file: only what differs from the defaults, with the reasons as comments."""
    facts = proposal.facts
    most = sum((position.base_at_lower_edge for position in facts.positions), Decimal(0)) * facts.price
    ids = ", ".join(map(str, hedge.lp_position_ids))
    reasons = "\n".join(f"# {sentence}" for sentence in proposal.why)
    return f"""\
# Written by `lp-hedge init`. Every other setting, with its default: examples/hedge.toml.
{reasons}

mode = "paper"                     # real chain, real prices, simulated fills; "live" needs keys in .env

[hedges.{_name(hedge.symbol)}]
chain = "{hedge.chain}"
amm_type = "{hedge.amm_type}"
lp_position_ids = [{ids}]
symbol = "{hedge.symbol}"

delta_band_quote = {proposal.band_quote}
delta_band_pct = 0                 # off, so that delta_band_quote alone decides

# Live mode requires a limit: begin with a small one. The whole hedge may need {most:.0f} {facts.quote.symbol}.
# max_position_notional = 500
"""


def _preset(name: str) -> ChainPreset:
    return chain_preset(name.lower(), None)


def _hedge(chain: str, amm_type: str, position_id: int, symbol: str) -> HedgeConfig:
    try:
        return HedgeConfig.model_validate(
            {"chain": chain, "amm_type": amm_type, "lp_position_ids": [position_id], "symbol": symbol}
        )
    except ValidationError as error:
        raise ConfigurationError("; ".join(mistakes(error, HedgeConfig)) + ".") from None


def _name(symbol: str) -> str:
    return "".join(letter for letter in symbol.lower().removesuffix("usdt") if letter.isalnum())[:16] or "first"


def _rpc_urls(wishes: Wishes, around: Surroundings, chain: ChainPreset) -> tuple[str, ...]:
    if wishes.rpc_url:
        return _plain_urls("--rpc", wishes.rpc_url)
    known = around.chains.get(rpc_name(chain.name).removesuffix("_RPC_URL"))
    if known is not None:
        return tuple(url.get_secret_value() for url in known.rpc_urls)
    hint = f"a node of {chain.name}, kept in .env as {rpc_name(chain.name)}"
    return _plain_urls("RPC URL", _ask("RPC URL", hint, "--rpc"))


def _plain_urls(what: str, text: str) -> tuple[str, ...]:
    if not (urls := http_endpoints(what, text)):
        raise ConfigurationError(f"{what} is empty: the address of a node is needed.")
    return tuple(url.get_secret_value() for url in urls)


def _ask(what: str, hint: str, flag: str) -> str:
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{what} is missing: give it with {flag} ({hint}).")
    return input(f"{what} ({hint}): ").strip()


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"{text!r} is no position id: use its number.")
    return int(text)


def _round_up(value: Decimal) -> Decimal:
    """To two significant digits, upwards: 380.16 is 390."""
    step = Decimal(1).scaleb(value.adjusted() - 1)
    return Decimal(f"{(value / step).to_integral_value(ROUND_CEILING) * step:f}")


def _note_endpoint(env_file: Path, name: str, urls: Sequence[str], around: Surroundings) -> str:
    """Keeps the URL in .env unless it is known there or in the environment already."""
    if around.chains.get(name.removesuffix("_RPC_URL")) is not None:
        return ""
    before = env_file.read_text(encoding="utf-8") if env_file.exists() else _EMPTY_ENV
    joiner = "" if before.endswith("\n") else "\n"
    _write(env_file, f"{before}{joiner}{name}={','.join(urls)}\n", mode=0o600)
    return f" and {env_file}"


_EMPTY_ENV = """\
# Secrets and endpoints; every name is explained in .env.example. Keep this file to yourself.
TELEGRAM_BOT_TOKEN=
TELEGRAM_OPERATOR_IDS=
"""


def _write(path: Path, text: str, *, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None


def _people(around: Surroundings) -> list[str]:
    """Whose numeric ids belong into TELEGRAM_OPERATOR_IDS; silent when they are there already."""
    values = around.values
    if values.telegram_bot_token is None or values.telegram_operator_ids:
        return []
    within_s = LISTEN_S if sys.stdin.isatty() else GLANCE_S
    sys.stdout.write(f"Looking for {within_s:.0f} s who writes to your bot: write to it now.\n")
    try:
        token = values.telegram_bot_token.get_secret_value()
        people = asyncio.run(people_who_write(token, values.telegram_api_url, within_s=within_s))
    except LpHedgeError as error:
        return [str(error)]
    if not people:
        return [
            "Nobody wrote to the bot: press Start there; `lp-hedge init --config other.toml` then shows your number."
        ]
    shown = ", ".join(f"{number} ({name})" for number, name in people.items())
    return [f"Who wrote to the bot: {shown}. Put your own number into TELEGRAM_OPERATOR_IDS."]
