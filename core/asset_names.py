"""What a token's symbol says of the coin behind it."""

from __future__ import annotations

# Forms whose names are not simply the coin's with a leading W.
_FORMS = {"BTCB": "BTC", "CBBTC": "BTC", "TBTC": "BTC", "WMATIC": "POL", "MATIC": "POL"}


def shown_name(token_symbol: str, perp_symbol: str) -> str:
    """The coin as the perpetual's symbol has it, where the token is that coin in another form: WETH of ETHUSDT is ETH.

    A token of any other perpetual keeps its own name.
    """
    name = token_symbol.upper().partition(".")[0]
    if perp_symbol.upper().startswith(name):
        return token_symbol
    coins = (coin for coin in (name.removeprefix("W"), _FORMS.get(name, "")) if coin)
    return next((coin for coin in coins if perp_symbol.upper().startswith(coin)), token_symbol)


def is_form_of(token_symbol: str, coin: str) -> bool:
    """Whether a token's symbol names the coin itself, or it wrapped or bridged: WBNB, BTCB, WETH.e. Case is ignored."""
    name, wanted = token_symbol.upper().partition(".")[0], coin.upper()
    return bool(name) and (name in (wanted, f"W{wanted}") or _FORMS.get(name) == wanted)
