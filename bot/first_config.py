"""`lp-hedge init`: from a chain, a position id and a symbol to a working hedge.toml and .env, with a band and why."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr, ValidationError

from bot.config_file import mistakes
from bot.console import Terminal
from bot.env_file import set_variable
from bot.environment import Surroundings, http_endpoints, read_environment, rpc_name
from bot.operator_ids import GLANCE_S, LISTEN_S, Search, search
from bot.preflight.chain import value_quote
from bot.preflight.exchange import Perp, read_perp
from bot.preflight.expectation import expectation, expectation_sentence
from bot.preflight.recommendation import band_of_value, first_band, round_up
from bot.preflight.sense import LEAST_APPROVAL_QUOTE
from bot.whole_file import write_anew
from core.amm.presets import PRESETS, ChainPreset, chain_preset, position_manager
from core.amm.reader import ChainReader
from core.clock import Clock, SystemClock
from core.config import HedgeConfig
from core.errors import ConfigurationError, LpHedgeError, Refused
from core.facts import LpFacts
from core.hedging.pairing import wrong_perp
from storage.lock import is_running

USUAL_AMM = {"bsc": "pancakeswap_v3"}
WRONG_SYMBOL_CODES = ("unknown_symbol", "not_trading")
APPROVAL_BANDS = 2
APPROVAL_SHARE_OF_VALUE = Decimal("0.1")


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
    """Writes both files, tells what and why, and returns what is next.

    Raises ConfigurationError, Refused, Transient.
    """
    _require_new(target)
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
    write_anew(target, config_text(hedge, proposal).encode(), mode=0o644)
    noted = _note_endpoint(env_file, rpc_name(chain.name), urls, around)
    sys.stdout.write("\n".join([f"Wrote {target}{noted}.", *proposal.why, ""]))
    troubles = _find_missing_operators(around, env_file)
    return "\n".join([*troubles, "Next: lp-hedge check, then lp-hedge run."])


def _require_new(target: Path) -> None:
    if target.exists():
        raise ConfigurationError(
            f"{target} exists already: move it away, or name another file with --config; "
            "`lp-hedge init --telegram` shows only who writes to the bot."
        )


async def propose(
    hedge: HedgeConfig, chain: ChainPreset, urls: Sequence[SecretStr], futures_url: str, clock: Clock
) -> Proposal:
    """Reads the position and the market; the exchange may be out of reach.

    Raises Refused and Transient of the chain; Refused also for a symbol that is not there, or of another asset.
    """
    name = _name(hedge.symbol)
    reader = ChainReader(chain, {name: hedge}, urls, clock)
    try:
        await reader.prepare()
        facts = (await reader.read())[name]
    finally:
        await reader.aclose()
    worth = f"{value_quote(facts):.2f} {facts.quote.symbol}"
    why = [f"Position {', '.join(map(str, hedge.lp_position_ids))}: worth {worth} at {facts.price:.6g}."]
    try:
        perp = await read_perp(futures_url, hedge.symbol, clock)
    except LpHedgeError as error:
        if isinstance(error, Refused) and error.code in WRONG_SYMBOL_CODES:
            raise
        band = round_up(band_of_value(facts))
        why.append(f"The exchange could not be asked ({error}), so the band is 2 % of that, rounded up: {band}.")
        return Proposal(facts, None, band, tuple(why))
    if wrong := wrong_perp(facts, perp.market, perp.rules):
        raise Refused(f"{wrong}; nothing was written.", code="wrong_symbol")
    return _with_market(hedge, facts, perp, why)


def _with_market(hedge: HedgeConfig, facts: LpFacts, perp: Perp, why: list[str]) -> Proposal:
    first = first_band(hedge, facts, perp)
    value = value_quote(facts)
    share = f", {100 * first.band_quote / value:.1f} % of that" if value > 0 else ""
    why.append(f"Band {first.band_quote} {facts.quote.symbol}{share}: {first.why}.")
    if (expected := expectation(hedge, facts, perp, first.band_quote, Decimal(0))) is not None:
        why.append(f"Expect {expectation_sentence(expected, perp, facts)}.")
    why.append("No recorded prices were looked at: `lp-hedge calibrate` does that. docs/theory.md has the formulas.")
    return Proposal(facts, perp, first.band_quote, tuple(why))


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
{f"approval_over_quote = {_approval(proposal)}":<34} # trades as large as this ask first

# Live mode requires a limit: begin with a small one. The whole hedge may need {most:.0f} {facts.quote.symbol}.
# max_position_notional = 500
"""


def _approval(proposal: Proposal) -> Decimal:
    """The default, 5 bands, suits a band of 2 % of the value; of a wide one it would let the first trade pass."""
    share = value_quote(proposal.facts) * APPROVAL_SHARE_OF_VALUE
    return round_up(max(LEAST_APPROVAL_QUOTE, share, APPROVAL_BANDS * proposal.band_quote))


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


def _rpc_urls(wishes: Wishes, around: Surroundings, chain: ChainPreset) -> tuple[SecretStr, ...]:
    if wishes.rpc_url:
        return _typed_urls("--rpc", wishes.rpc_url)
    known = around.chains.get(rpc_name(chain.name).removesuffix("_RPC_URL"))
    if known is not None:
        return known.rpc_urls
    hint = f"a node of {chain.name}, kept in .env as {rpc_name(chain.name)}"
    return _typed_urls("RPC URL", _ask("RPC URL", hint, "--rpc"))


def _typed_urls(what: str, text: str) -> tuple[SecretStr, ...]:
    if not (urls := http_endpoints(what, text)):
        raise ConfigurationError(f"{what} is empty: the address of a node is needed.")
    return urls


def _ask(what: str, hint: str, flag: str) -> str:
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{what} is missing: give it with {flag} ({hint}).")
    return input(f"{what} ({hint}): ").strip()


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"{text!r} is no position id: use its number.")
    return int(text)


def _note_endpoint(env_file: Path, name: str, urls: Sequence[SecretStr], around: Surroundings) -> str:
    """Keeps the URL in .env unless it is known there or in the environment already."""
    if around.chains.get(name.removesuffix("_RPC_URL")) is not None:
        return ""
    set_variable(env_file, name, ",".join(url.get_secret_value() for url in urls))
    return f" and {env_file}"


def find_operators(around: Surroundings, env_file: Path, database: Path) -> None:
    """`lp-hedge init --telegram`: shows who writes to the bot. Raises ConfigurationError and Refused."""
    if around.values.telegram_bot_token is None:
        raise ConfigurationError(
            f"there is no TELEGRAM_BOT_TOKEN in {env_file}: talk to @BotFather in Telegram, /newbot, and put it there."
        )
    if is_running(database):
        raise ConfigurationError(
            f"lp-hedge runs on {database}: stop it first, or two programs take the bot's messages from each other."
        )
    _search(around, env_file, LISTEN_S)


def _find_missing_operators(around: Surroundings, env_file: Path) -> list[str]:
    """Silent without a token, and where somebody is listed already."""
    values = around.values
    if values.telegram_bot_token is None or values.telegram_operator_ids:
        return []
    try:
        _search(around, env_file, LISTEN_S if sys.stdin.isatty() else GLANCE_S)
    except LpHedgeError as error:
        return [str(error)]
    return []


def _search(around: Surroundings, env_file: Path, within_s: float) -> None:
    clock = SystemClock()
    terminal, has_person = Terminal.standard(clock), sys.stdin.isatty()
    search(Search(around, env_file, terminal, clock, has_person=has_person, within_s=within_s))
