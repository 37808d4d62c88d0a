"""From the facts of hedges that share an account to what `/margin` shows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot.rendering.numbers import amount, money, percent, quote_of
from bot.rendering.outlook import Margin, Way, away
from core.hedging.margin_needs import Readable, distance_limit, edges_of, need, spare_quote


def margin_of(each: Readable, base: str, account_of: Sequence[Readable]) -> Margin:
    """Of one hedge, with the others of its account standing still. `base`: how its BASE is called."""
    group = _same_account(each, account_of)
    quote = quote_of(each.config.symbol)
    edges = edges_of(each.lp)
    if edges is None:
        prices = {"half the price": each.mark_price / 2, "twice the price": each.mark_price * 2}
    else:
        prices = {"the upper edge": edges.upper, "the lower edge": edges.lower}
    ways = tuple(
        _way(f"{title} {amount(price, quote)}{away(price, each.mark_price)}", group, {each.hedge: price})
        for title, price in prices.items()
    )
    kind = "isolated" if each.account.isolated else "cross"
    title = f"{each.hedge} · {each.config.symbol} {amount(each.account.position_base, base, signed=True)}"
    return Margin(
        title=f"{title} · {kind}",
        quote=quote,
        there=_there(each, quote),
        ways=ways,
        spare_quote=_spare(group, ways),
        keeps=_limits([each], quote),
    )


def accounts(known: Sequence[Readable]) -> list[list[Readable]]:
    """One balance of each QUOTE stands behind all symbols that are settled in it."""
    groups: dict[str, list[Readable]] = {}
    for each in known:
        groups.setdefault(quote_of(each.config.symbol), []).append(each)
    return list(groups.values())


def _same_account(each: Readable, known: Sequence[Readable]) -> list[Readable]:
    return next(group for group in accounts(known) if each in group)


def whole_accounts(known: Sequence[Readable]) -> list[Margin]:
    """Of each account that several hedges share, all of them at once."""
    shared = [group for group in accounts(known) if len(group) > 1]
    return [margin for group in shared if (margin := _together(group)) is not None]


def _together(group: Sequence[Readable]) -> Margin | None:
    """None where none of them has an edge."""
    edges = {each.hedge: found for each in group if (found := edges_of(each.lp)) is not None}
    if not edges:
        return None
    quote = quote_of(group[0].config.symbol)
    ways = (
        _way("all upper edges", group, {name: found.upper for name, found in edges.items()}),
        _way("all lower edges", group, {name: found.lower for name, found in edges.items()}),
    )
    newest = max(group, key=lambda each: each.account.as_of).account
    balance, free = money(newest.margin_balance_quote, quote), money(newest.available_balance_quote, quote)
    there = f"There: balance {balance}, free {free}"
    return Margin("the whole account", quote, there, ways, _spare(group, ways), _limits(group, quote))


def _way(title: str, group: Sequence[Readable], to: Mapping[str, Decimal]) -> Way:
    return Way(title, need(group, to, follows=False), need(group, to, follows=True))


def _spare(group: Sequence[Readable], ways: Sequence[Way]) -> Decimal | None:
    """Every way there is counted, and standing still."""
    needs = [need(group, {}, follows=False), *(each for way in ways for each in (way.left_alone, way.rebalanced))]
    known = [each for each in needs if each is not None]
    return spare_quote(group, known) if len(known) == len(needs) else None


def _there(each: Readable, quote: str) -> str:
    account = each.account
    liquidation = "none"
    if account.liquidation_price is not None:
        distance = percent(abs(account.liquidation_price / each.mark_price - 1))
        liquidation = f"{amount(account.liquidation_price, quote)} ({distance} away)"
    balances = (
        f"balance {money(account.margin_balance_quote, quote)}, free {money(account.available_balance_quote, quote)}"
    )
    return f"There: {balances}, liquidation {liquidation}"


def _limits(group: Sequence[Readable], quote: str) -> str:
    distance = percent(max(distance_limit(each.config) for each in group))
    least = max(each.config.min_available_balance_quote for each in group)
    kept = f"liquidation at least {distance} away, {money(least, quote)} free"
    if any(each.account.isolated for each in group):
        kept += "; what an isolated position lacks must be added to the position itself"
    return kept
