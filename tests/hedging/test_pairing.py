"""Is it the perpetual of the same asset? Names help, prices decide."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.asset_names import is_form_of
from core.facts import Block, LpFacts, Market, Token
from core.hedging.pairing import pair_key, wrong_perp
from tests.exchange.paper_rig import rules
from tests.hedging.positions import QUOTE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = rules("ETHUSDT")


def lp(symbol: str, price: str) -> LpFacts:
    return LpFacts(
        Block(1, None, NOW), NOW, "test", Token("0xA", symbol, 18), QUOTE, Decimal(price), (), (), Decimal(0)
    )


def market(mark: str) -> Market:
    price = Decimal(mark)
    return Market("ETHUSDT", ((price, price),), ((price, price),), price, price, Decimal(0), NOW, NOW)


@pytest.mark.parametrize(
    ("token", "asset"), [("ETH", "ETH"), ("WETH", "ETH"), ("WBNB", "BNB"), ("BTCB", "BTC"), ("WETH.e", "ETH")]
)
def test_wrapped_and_bridged_names_are_the_asset(token: str, asset: str) -> None:
    assert is_form_of(token, asset)


@pytest.mark.parametrize(("token", "asset"), [("WIF", "IF2"), ("BTCB", "ETH"), ("ETHW", "ETH"), ("", "ETH")])
def test_other_names_are_not(token: str, asset: str) -> None:
    assert not is_form_of(token, asset)


@pytest.mark.parametrize(
    ("token", "pool", "mark", "right"),
    [
        ("WETH", "2000", "2000", True),
        ("WETH", "2190", "2000", True),  # a crash between the two: the basis rules judge it
        ("WETH", "2210", "2000", False),
        ("WETH", "0.0005", "2000", False),  # the price upside down
        ("cmETH", "2010", "2000", True),  # an unknown name with the asset's price
        ("wstETH", "2400", "2000", False),
        ("WBNB", "2030", "2000", False),  # another name and not quite the price
    ],
)
def test_prices_decide_and_a_strange_name_is_trusted_less(token: str, pool: str, mark: str, right: bool) -> None:
    assert (wrong_perp(lp(token, pool), market(mark), RULES) is None) is right


def test_what_was_found_right_once_is_not_judged_by_its_price_again() -> None:
    """Until another token or symbol takes its place."""
    known = pair_key(lp("WETH", "2000"), RULES)
    assert wrong_perp(lp("WETH", "3000"), market("2000"), RULES, known_pair=known) is None
    other = replace(lp("WETH", "3000"), base=Token("0xB", "WETH", 18))
    said = wrong_perp(other, market("2000"), RULES, known_pair=known)
    assert said == (
        "ETHUSDT does not look like the perpetual of WETH: the pool's price is 3000, the perpetual's 2000;"
        " check symbol and base"
    )
