"""Which token of a pool is BASE and which is QUOTE."""

from core.amm.abi import addresses_equal, contains_address
from core.amm.presets import ChainPreset
from core.asset_names import is_form_of
from core.config import HedgeConfig
from core.errors import Refused
from core.facts import Token


def base_and_quote(
    chain: ChainPreset, name: str, hedge: HedgeConfig, tokens: tuple[Token, Token]
) -> tuple[Token, Token]:
    """(BASE, QUOTE): BASE is what `base` names, else the one that is no stable; QUOTE must be a stable.

    `name` is the hedge's. Raises Refused.
    """
    base = _base(chain, name, hedge, tokens)
    quote = tokens[1] if base is tokens[0] else tokens[0]
    if not contains_address(chain.stables, quote.address):
        raise Refused(
            f"{quote.symbol} ({quote.address}) of hedge {name} is no known stable on {chain.name}: only "
            f"pairs against a dollar are hedged; if it is one, add it to stables in [chains.{chain.name}]",
            code="no_stable",
        )
    return base, quote


def _base(chain: ChainPreset, name: str, hedge: HedgeConfig, tokens: tuple[Token, Token]) -> Token:
    candidates = [token for token in tokens if _may_be_base(token, hedge, chain)]
    if len(candidates) != 1:
        which = f"base = {hedge.base!r} does not name" if hedge.base else "the stables known do not tell"
        raise Refused(
            f"{which} one of {tokens[0].symbol}/{tokens[1].symbol} of hedge {name}: set base, or stables in "
            f"[chains.{chain.name}]",
            code="no_base",
        )
    return candidates[0]


def _may_be_base(token: Token, hedge: HedgeConfig, chain: ChainPreset) -> bool:
    if hedge.base is not None:
        return _is_named(token, hedge.base)
    return not contains_address(chain.stables, token.address)


def _is_named(token: Token, name: str) -> bool:
    """Whether `base` means this token: its address, its symbol, or the coin that it stands for."""
    if addresses_equal(token.address, name) or token.symbol.upper() == name.upper():
        return True
    return is_form_of(token.symbol, name)
