"""Events in words, as chat and terminal show them: what happened, the figures behind it, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from bot.rendering.approvals import ESTIMATE, person
from bot.rendering.markup import bold, code, esc, lines
from bot.rendering.numbers import amount, bps, exact, moment, money, number, percent, span
from bot.rendering.reasons import words
from core.events import Event, EventKind
from core.facts import AVERAGE_OVER
from core.hedging.states import EXPLANATIONS


@dataclass(frozen=True, slots=True)
class Units:
    """The symbols that stand behind a hedge's amounts."""

    base: str
    quote: str


def alert_text(event: Event, zone: tzinfo, units: Units) -> str:
    """The message of one event; a kind without a text of its own is shown with its data."""
    writer = WRITERS.get(event.kind)
    return writer(Facts(event, zone, units)) if writer else _anything(event)


def breach_text(hedge: str, figures: Mapping[str, str], units: Units, *, again: bool) -> str:
    facts = _Figures(figures, units)
    limit = facts.money("limit_quote")
    still = "still " if again else ""
    return lines(
        f"🚨 {bold(f'{hedge}: exposure {still}over its limit')}",
        f"Gap {facts.amount('gap_base', signed=True)} = {facts.money('gap_quote')}, alert limit {limit},"
        f" band {facts.money('band_quote')}.",
        ESTIMATE if "estimated" in figures else None,
        "See /status for why it is not closed; /hedge trades to the target now.",
    )


def restored_text(hedge: str, figures: Mapping[str, str], units: Units) -> str:
    facts = _Figures(figures, units)
    return f"✅ {bold(f'{hedge}: exposure back under its limit')}: gap {facts.money('gap_quote')}."


def suspended_text(hedge: str, reason: str, detail: str, *, times: int = 1) -> str:
    """`times`: how often it came and went since it was last said."""
    meaning = words(reason)
    often = f" ({times} times lately)" if times > 1 else ""
    return lines(
        f"⚠️ {bold(f'{hedge}: hedging suspended')}: {esc(meaning.what)}{often}.",
        esc(detail) if detail and detail not in EXPLANATIONS.values() else None,
        esc(meaning.advice) if meaning.advice else None,
    )


def recovered_text(hedge: str, reason: str, lasted_s: float) -> str:
    return f"✅ {bold(f'{hedge}: hedging again')} after {span(lasted_s)} ({esc(words(reason).what)})."


class _Figures:
    """An event's strings, read leniently: what is absent or no number is shown as unknown."""

    def __init__(self, data: Mapping[str, str], units: Units) -> None:
        self.data = data
        self.base = units.base
        self.quote = units.quote

    def text(self, key: str, default: str = "unknown") -> str:
        return esc(self.data.get(key) or default)

    def number(self, key: str) -> Decimal | None:
        return number(self.data.get(key))

    def exact(self, key: str) -> str:
        return esc(exact(self.number(key), self.base))

    def amount(self, key: str, *, signed: bool = False) -> str:
        return esc(amount(self.number(key), self.base, signed=signed))

    def price(self, key: str) -> str:
        return esc(amount(self.number(key), self.quote))

    def money(self, key: str) -> str:
        return esc(money(self.number(key), self.quote))


class Facts(_Figures):
    def __init__(self, event: Event, zone: tzinfo, units: Units) -> None:
        super().__init__(event.data, units)
        self.event = event
        self.zone = zone
        self.hedge = event.hedge or "all hedges"

    def title(self, text: str) -> str:
        return bold(f"{self.hedge}: {text}")


def _executed(facts: Facts) -> str:
    slippage = f", slippage {bps(facts.number('slippage_bps'))}" if "slippage_bps" in facts.data else ""
    size = exact(facts.number("quantity_base"), facts.base)
    traded = f"{facts.data.get('side', 'traded')} {size}"
    return lines(
        f"🔁 {facts.title(traded)} @ {facts.price('average_price')}",
        f"Fee {facts.money('fee_quote')}{slippage}.",
        f"Position {facts.amount('position_base', signed=True)}, target {facts.amount('target_base', signed=True)}.",
    )


def _plan_failed(facts: Facts) -> str:
    reason = facts.data.get("detail") or words(facts.data.get("reason", "")).what
    return lines(
        f"⚠️ {facts.title('a trade did not come about')}: {esc(reason or 'unknown')}.",
        "I try again by the rules.",
    )


def _refused(facts: Facts) -> str:
    return lines(
        f"⚠️ {facts.title('the exchange refused an order')} (code {facts.text('code')}).",
        facts.text("detail", ""),
        "No order exists. I try again more slowly; look at margin, key and limits if it goes on.",
    )


def _unknown_outcome(facts: Facts) -> str:
    return lines(
        f"❓ {facts.title('the outcome of an order is not known')}",
        f"Order {facts.text('client_order_id')}. {facts.text('detail', '')}".rstrip(),
        "I ask the exchange until it is certain, and send nothing meanwhile.",
    )


def _resolved(facts: Facts) -> str:
    found = f"{facts.text('client_order_id')}. {facts.text('detail', '')}".rstrip()
    return f"✅ {facts.title('the order is accounted for')}: {found}"


def _lp_state(facts: Facts) -> str:
    before, after = (facts.data.get(key, "unknown").replace("_", " ").lower() for key in ("frm", "to"))
    block = f" (block {facts.text('block')})" if facts.data.get("block") else ""
    return f"💧 {facts.title(f'LP {before} → {after}')}{block}."


def _mismatch(facts: Facts) -> str:
    return lines(
        f"🚨 {facts.title('the position is not ours alone')}",
        f"Exchange {facts.amount('venue_base', signed=True)}, our own trades add up to"
        f" {facts.amount('journal_base', signed=True)}.",
        "Hedging is suspended. /adopt takes the exchange's position as ours; or undo the foreign trade.",
    )


def _adopted(facts: Facts) -> str:
    leg = facts.text("leg", "")
    return f"🤝 {facts.title('position adopted')}: {leg} {facts.amount('delta_base', signed=True)}, by {_by(facts)}."


def _foreign(facts: Facts) -> str:
    kinds = {"liquidation": "a liquidation", "adl": "an auto-deleveraging (ADL)"}
    what = kinds.get(facts.data.get("origin", ""), "a trade that is not ours")
    return lines(
        f"🚨 {facts.title(what)}: {facts.text('side', '')} {facts.exact('quantity_base')} @ {facts.price('price')}.",
        "See /status.",
    )


def _basis(facts: Facts) -> str:
    return lines(
        f"⚠️ {facts.title('pool and perp disagree on the price')}",
        f"Pool {facts.price('pool_price')}, mark {facts.price('mark_price')}: {bps(facts.number('basis_bps'))} apart,"
        f" limit {bps(facts.number('limit_bps'))}.",
        _average(facts),
        "I trade only what both prices call for.",
    )


def _average(facts: Facts) -> str | None:
    """Whether the pool alone was pushed just now, or has stood there for a while."""
    average = facts.number("average_price")
    if average is None:
        return "The pool does not remember its own average."
    over = span(AVERAGE_OVER.total_seconds())
    return f"The pool's own average over the last {over} is {facts.price('average_price')}."


def _estimated(facts: Facts) -> str:
    return lines(
        f"⚠️ {facts.title('the chain cannot be read')}: {facts.text('detail', '')}.",
        "Hedging goes on by an estimate, for an hour at most: its last confirmed liquidity at the perpetual's price.",
    )


def _read_again(facts: Facts) -> str:
    return f"✅ {facts.title('the chain is read again')}, no estimate any more."


def _news_lost(facts: Facts) -> str:
    chain = facts.text("chain")
    return lines(
        f"🔌 {bold(f'{chain} pushes no new blocks')}: {facts.text('detail', '')}.",
        "Hedging goes on by polling, only slower to react.",
    )


def _news_back(facts: Facts) -> str:
    return f"🔌 {bold('{} pushes its blocks again'.format(facts.text('chain')))}."


def _banned(facts: Facts) -> str:
    until = facts.data.get("until")
    time = moment(datetime.fromisoformat(until), facts.zone) if until else "an unknown time"
    held = facts.data.get("positions")
    unwatched = f"The position is unwatched: {esc(held)}" if held else "What is held there is unwatched"
    return lines(
        f"🚨 {bold('{} until {}'.format(facts.data.get('detail', 'The exchange does not answer'), time))}.",
        "Until then I can read nothing there, and neither hedge nor reduce.",
        f"{unwatched}. Look after it in the exchange's own app, from another address.",
        "I send nothing meanwhile, which would only prolong it, and go on by myself afterwards.",
    )


def _basis_restored(facts: Facts) -> str:
    return f"✅ {facts.title('pool and perp agree on the price again')}."


def _departed(facts: Facts) -> str:
    figures = facts.amount("departed_base") if "departed_base" in facts.data else facts.amount("delta_base")
    return lines(
        f"💧 {facts.title('BASE left the LP position')}: {figures}.",
        "It stays hedged for the grace time, until it is back in the pool or the wallet.",
        f"/follow close {esc(facts.hedge)} ends that now, /follow keep {esc(facts.hedge)} keeps the short beyond it.",
    )


def _found(facts: Facts) -> str:
    number = facts.text("position_id")
    title = f"🆕 {facts.title(f'position {number} is in the same wallet and pool')} and is not hedged."
    follow = f"/follow {number} hedges it too"
    others = f"{facts.text('others')} more like it: `lp-hedge check` names them." if "others" in facts.data else None
    if "departed_base" not in facts.data:
        return lines(title, others, f"{follow}.")
    hedge = esc(facts.hedge)
    return lines(
        title,
        others,
        f"{facts.amount('departed_base')} left the followed positions. The short for it stays for the grace time.",
        f"Follow: {follow} and takes the place of what left.",
        f"Close: it is not coming back, the short goes down now. /follow close {hedge}",
        f"Keep: the short stays beyond the grace. /follow keep {hedge}",
    )


def _given(facts: Facts) -> str:
    number = facts.text("position_id")
    return lines(
        f"⚠️ {facts.title(f'position {number} has a new owner')}: {code(facts.data.get('after', 'unknown'))}.",
        "It is still hedged. If it is not yours any more, take it out of hedge.toml.",
    )


def _followed(facts: Facts) -> str:
    number = facts.text("position_id")
    return f"💧 {facts.title(f'position {number} is hedged too')}, by {_by(facts)}."


def _kept(facts: Facts) -> str:
    return f"📌 {facts.title('the short stays for what left')}: {facts.amount('departed_base')}, by {_by(facts)}."


def _closed(facts: Facts) -> str:
    return f"💧 {facts.title('what left counts no more')}: {facts.amount('departed_base')}, by {_by(facts)}."


def _liquidity(facts: Facts) -> str:
    position = f" of position {facts.text('position_id')}" if "position_id" in facts.data else ""
    return f"💧 {facts.title('liquidity changed')}{position}{_relative_change(facts)}."


def _relative_change(facts: Facts) -> str:
    before, after = facts.number("before"), facts.number("after")
    if before is None or after is None:
        return ""
    if not before or not after:
        return ": all of it is gone" if before else ": newly opened"
    return f": {percent(after / before - 1, signed=True)}"


def _slippage(facts: Facts) -> str:
    expected = facts.data.get("expected_bps")
    cost = f"{esc(bps(number(expected)))} of slippage" if expected else "more than the visible book holds"
    side = "Selling" if facts.text("side") == "SELL" else "Buying"
    return lines(
        f"⚠️ {facts.title('the book is thin')}.",
        f"{side} {facts.amount('quantity_base')} would cost {cost}; I take what there is up to"
        f" {facts.money('price_cap')} and try again every 2 s.",
    )


def _taken_back(facts: Facts) -> str:
    return lines(
        f"⚠️ {facts.title('an order of a lost journal was resting')}.",
        f"I cancelled {code(facts.text('client_order_id'))}. See whether another lp-hedge uses this account.",
    )


def _exchange_news_lost(facts: Facts) -> str:
    what = "your account" if facts.text("stream") == "account" else "its prices"
    return lines(
        f"📡 {bold(f'the exchange no longer tells what happens to {what}')}.",
        f"{esc(facts.text('detail'))}. I ask at every look instead.",
    )


def _exchange_news_back(facts: Facts) -> str:
    what = "your account" if facts.text("stream") == "account" else "its prices"
    return f"✅ {bold(f'the exchange tells about {what} again')}."


def _deleveraging(facts: Facts) -> str:
    distance = facts.data.get("distance_pct")
    near = f" ({esc(amount(number(distance), '%'))} away)" if distance else ""
    return lines(
        f"🚨 {facts.title('liquidation is too near')}{near}.",
        "I buy back part of the short without asking. Add margin: /status.",
    )


def _liquidation_near(facts: Facts) -> str:
    distance = facts.data.get("distance_pct")
    near = f" ({esc(amount(number(distance), '%'))} away)" if distance else ""
    return lines(
        f"🚨 {facts.title('liquidation is too near')}{near}.",
        "The margin is isolated, so buying back a part would not help: add margin to the position now.",
    )


def _dropped(facts: Facts) -> str:
    why = words(facts.text("reason"))
    title = facts.title(f"/{facts.text('command')} was not carried out")
    return lines(f"⚠️ {title}: {esc(why.what)}.", esc(why.advice) if why.advice else None)


def _waiting(facts: Facts) -> str:
    why = words(facts.text("reason"))
    title = facts.title(f"/{facts.text('command')} still waits")
    return lines(f"⚠️ {title}: {esc(why.what)}.", "It is carried out as soon as it can be; /resume takes it back.")


def _halted(facts: Facts) -> str:
    return f"⛔ {facts.title('HALTED')} by {_by(facts)}. Nothing is traded until /resume, only /flatten still closes."


def _paused(facts: Facts) -> str:
    return f"⏸ {facts.title('PAUSED')} by {_by(facts)}. No new trades until /resume; the short stays."


def _resumed(facts: Facts) -> str:
    return f"▶️ {facts.title('hedging resumed')} by {_by(facts)}."


def _setting(facts: Facts) -> str:
    before = f" (was {facts.text('old')})" if "old" in facts.data else ""
    return f"⚙️ {facts.title('setting changed')}: {facts.text('key')} = {facts.text('value')}{before}, by {_by(facts)}."


def _started(facts: Facts) -> str:
    mode = facts.data.get("mode", "").upper()
    program = f"lp-hedge {facts.data.get('version', '')}".rstrip()
    return f"🟢 {bold(f'{program} started')} · {esc(mode)}. /status"


def _stopped(facts: Facts) -> str:
    why = facts.data.get("reason") or facts.data.get("detail")
    because = f": {esc(why)}" if why else ""
    return f"⚪ {bold('lp-hedge stopped')}{because}. Nothing is hedged until it runs again; the short stays."


def _by(facts: Facts) -> str:
    return esc(person(facts.data.get("by")))


def _anything(event: Event) -> str:
    title = f"{event.hedge or 'all hedges'}: {event.kind.value.replace('_', ' ')}"
    figures = (esc(f"{key.replace('_', ' ')}: {_readable(value)}") for key, value in event.data.items())
    return lines(bold(title), *figures)


def _readable(text: str) -> str:
    value = number(text)
    return amount(value) if value is not None and "." in text else text


WRITERS: Mapping[EventKind, Callable[[Facts], str]] = {
    EventKind.STARTED: _started,
    EventKind.STOPPED: _stopped,
    EventKind.HEDGE_EXECUTED: _executed,
    EventKind.PLAN_FAILED: _plan_failed,
    EventKind.ORDER_REFUSED: _refused,
    EventKind.OUTCOME_UNKNOWN: _unknown_outcome,
    EventKind.OUTCOME_RESOLVED: _resolved,
    EventKind.LP_STATE_CHANGED: _lp_state,
    EventKind.LP_LIQUIDITY_CHANGED: _liquidity,
    EventKind.BASE_DEPARTED: _departed,
    EventKind.POSITION_FOUND: _found,
    EventKind.POSITION_GIVEN: _given,
    EventKind.POSITION_FOLLOWED: _followed,
    EventKind.DEPARTED_KEPT: _kept,
    EventKind.DEPARTED_CLOSED: _closed,
    EventKind.POSITION_MISMATCH: _mismatch,
    EventKind.POSITION_ADOPTED: _adopted,
    EventKind.FOREIGN_TRADE: _foreign,
    EventKind.BASIS_EXCEEDED: _basis,
    EventKind.CHAIN_ESTIMATED: _estimated,
    EventKind.CHAIN_READ_AGAIN: _read_again,
    EventKind.VENUE_BANNED: _banned,
    EventKind.SLIPPAGE_EXCEEDED: _slippage,
    EventKind.ORDER_TAKEN_BACK: _taken_back,
    EventKind.VENUE_NEWS_LOST: _exchange_news_lost,
    EventKind.VENUE_NEWS_BACK: _exchange_news_back,
    EventKind.NEWS_LOST: _news_lost,
    EventKind.NEWS_BACK: _news_back,
    EventKind.BASIS_RESTORED: _basis_restored,
    EventKind.DELEVERAGING: _deleveraging,
    EventKind.LIQUIDATION_NEAR: _liquidation_near,
    EventKind.COMMAND_DROPPED: _dropped,
    EventKind.COMMAND_WAITING: _waiting,
    EventKind.HALTED: _halted,
    EventKind.PAUSED: _paused,
    EventKind.RESUMED: _resumed,
    EventKind.SETTING_CHANGED: _setting,
}
