"""The perpetual's filters without asking the exchange: from a file, from flags, or as bundled."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bot.rendering.numbers import exact, pair_of
from core.errors import ConfigurationError
from core.exchange.known_rules import KNOWN_RULES
from core.facts import SymbolRules

# Where nobody said how large an order may be: more than any hedge needs.
MANY_STEPS = 10**9
ANY_TICK = Decimal("0.00000001")


def rules_for(symbol: str, options: argparse.Namespace) -> tuple[SymbolRules, tuple[str, ...]]:
    """With notices. Raises ConfigurationError when nothing tells the filters of `symbol`."""
    step, smallest = options.step_size, options.min_notional
    if options.symbol_rules is not None:
        if (step, smallest) != (None, None):
            raise ConfigurationError("--symbol-rules has step size and smallest order: leave out the flags for them.")
        return _from_file(options.symbol_rules, symbol), ()
    known = KNOWN_RULES.get(symbol)
    if known is None:
        return _from_flags(symbol, step, smallest), ()
    rules = _changed(known.rules, step, smallest)
    return rules, () if step and smallest else (_age(rules, known.recorded),)


def _from_flags(symbol: str, step: Decimal | None, smallest: Decimal | None) -> SymbolRules:
    if step is None or smallest is None:
        raise ConfigurationError(
            f"the filters of {symbol} are not bundled: give --step-size and --min-notional, or --symbol-rules with an "
            "exchangeInfo answer of the exchange."
        )
    return _changed(_plain_rules(symbol, step), step, smallest)


def _changed(rules: SymbolRules, step: Decimal | None, smallest: Decimal | None) -> SymbolRules:
    if step is not None:
        rules = replace(rules, step_size=step, min_quantity=step, market_step_size=step, market_min_quantity=step)
    return rules if smallest is None else replace(rules, min_notional_quote=smallest)


def _age(rules: SymbolRules, recorded: str) -> str:
    step, smallest = exact(rules.step_size, rules.base_asset), exact(rules.min_notional_quote, rules.quote_asset)
    told = f"step {step}, smallest order {smallest}"
    return f"Filters of {rules.symbol} as of {recorded} ({told}); --symbol-rules gives others."


def _plain_rules(symbol: str, step: Decimal) -> SymbolRules:
    base, quote = pair_of(symbol)
    most = step * MANY_STEPS
    return SymbolRules(symbol, base, quote, ANY_TICK, step, step, most, step, step, most, min_notional_quote=Decimal(0))


def _from_file(file: Path, symbol: str) -> SymbolRules:
    """Of an exchangeInfo answer, of its list of symbols, or of one entry of it."""
    from pydantic import ValidationError

    from core.exchange.binance_messages import Malformed, SymbolInfo, symbol_rules

    entry = next((each for each in _entries(_read(file)) if each.get("symbol") == symbol), None)
    if entry is None:
        raise ConfigurationError(f"{file} has no entry for {symbol}.")
    try:
        return symbol_rules(SymbolInfo.model_validate(entry))
    except (ValidationError, Malformed):
        raise ConfigurationError(f"the entry of {symbol} in {file} is not as the exchange writes it.") from None


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise ConfigurationError(f"{file} is not JSON: an exchangeInfo answer of the exchange is needed.") from None


def _entries(said: object) -> Sequence[dict[str, object]]:
    inner = said.get("symbols", [said]) if isinstance(said, dict) else said
    return [each for each in inner if isinstance(each, dict)] if isinstance(inner, list) else []
