"""What a token's symbol says of the coin behind it."""

from __future__ import annotations

# Forms whose names are not simply the coin's with a leading W.
_FORMS = {"BTCB": "BTC", "CBBTC": "BTC", "TBTC": "BTC", "WMATIC": "POL", "MATIC": "POL"}


def is_form_of(token_symbol: str, coin: str) -> bool:
    """Whether a token's symbol names the coin itself, or it wrapped or bridged: WBNB, BTCB, WETH.e. Case is ignored."""
    name, wanted = token_symbol.upper().partition(".")[0], coin.upper()
    return bool(name) and (name in (wanted, f"W{wanted}") or _FORMS.get(name) == wanted)
