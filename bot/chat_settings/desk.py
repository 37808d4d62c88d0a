"""Shows and changes settings for an operator: what is asked first, what is kept, what counts from when on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from hashlib import sha256

from bot.chat_settings.answers import Answer, Choice, Speaker
from bot.chat_settings.contradictions import contradictions
from bot.chat_settings.effective import Effective, Judge, effective, key_of, no_judge, with_overrides
from bot.chat_settings.keys import (
    ALERTS,
    Key,
    Named,
    alert_keys,
    is_settable,
    named,
    settable_keys,
    word_in,
    word_in_file,
    word_of,
)
from bot.chat_settings.risk import danger_in_words, dangers
from bot.chat_settings.shown import all_settings, consequences, shown_value
from bot.chat_settings.table import NO_ROW, ROWS, ZERO
from bot.chat_settings.takes import raw_of, takes, unit_of
from bot.live_config import LiveConfig
from bot.rendering import settings as texts
from bot.rendering.markup import esc
from core.clock import Clock
from core.config import Config
from core.errors import ConfigurationError
from core.events import Event, EventKind
from core.ports import EventLog
from storage.overrides import Override, Overrides, Wish

TYPED, SURE, DEFAULT = "typed", "sure", "default"
BUTTONS_IN_A_ROW = 3
UNASKED = "unasked"
MARK_CHARS = 16
REPEATED = "This message was carried out already."
FILE_CHANGED = "hedge.toml: its own value of it changed"
NOT_ALLOWED = "hedge.toml: the chat's value is not allowed beside it any more"


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that would be allowed. `override` None: the one from chat is dropped."""

    key: Key
    override: Override | None
    next: Effective


class Settings:
    """The desk itself. One at a time changes something; what is in force is what a fresh start would find."""

    def __init__(
        self,
        *,
        live: LiveConfig,
        overrides: Overrides,
        events: EventLog,
        wake: Callable[[str], None],
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._live = live
        self._overrides = overrides
        self._events = events
        self._wake = wake
        self._clock = clock
        self._zone = zone
        self._now = Effective(live.file)
        self._judge: Judge = no_judge
        self._turn = asyncio.Lock()

    # at the start

    async def load(self) -> None:
        """Put in force what was set from chat; what does not go with the file any more is dropped with a notice."""
        await self._settle(await self._overrides.all())

    async def judge_by(self, judge: Judge) -> None:
        """From now on with the exchange's own rules, which may allow less."""
        self._judge = judge
        await self._settle(self._now.kept)

    async def _settle(self, overrides: Sequence[Override]) -> None:
        found = effective(self._live.file, overrides, self._judge)
        before = self._live.now
        self._take(found)
        await self._drop(found)
        if before != found.config:
            for name in found.config.hedges:
                self._wake(name)

    async def _drop(self, found: Effective) -> None:
        """What does not go with the file, each with a notice; no later start finds it."""
        for override in found.outdated:
            await self._tell(key_of(override), override.value, FILE_CHANGED)
        for override, why in found.refused:
            await self._tell(key_of(override), override.value, f"{NOT_ALLOWED}: {why}")
        dropped = (*found.outdated, *(override for override, _ in found.refused))
        if dropped:
            await self._overrides.discard(dropped)

    # what is in force

    def all(self) -> tuple[texts.Setting, ...]:
        """Every setting with its value in force and where that comes from."""
        return all_settings(self._live.file, self._now)

    # what is said

    async def say(self, command: str, args: Sequence[str], speaker: Speaker) -> Answer:
        """By the words there are: the list, one setting, a question back, or the change itself."""
        words = " ".join(args).replace("=", " ").split()
        if command == ALERTS:
            return await self._say_of_alerts(words, speaker)
        match words:
            case []:
                return self._list(self._only_hedge())
            case [name] if name.lower() in self._hedges():
                return self._list(name.lower())
        return await self._say_of_one(words, speaker)

    async def take_up(self, words: Sequence[str], speaker: Speaker) -> Answer:
        """What a pressed choice stands for. Raises ValueError for words that no button of ours has."""
        how, *rest = words
        if how == TYPED:
            return await self.say("set", rest, speaker)
        found = named(rest, self._hedges())
        if isinstance(found, str) or found.key is None:
            raise ValueError(f"a choice of ours has no setting: {words}")
        word, before, shown = found.words
        return await self._carry_out(found.key, word, speaker, before, shown)

    async def _say_of_alerts(self, words: Sequence[str], speaker: Speaker) -> Answer:
        if not words:
            return self._alerts()
        kind = words[0].lower().removeprefix(f"{ALERTS}.")
        return await self._say_of_one((f"{ALERTS}.{kind}", *words[1:]), speaker)

    async def _say_of_one(self, words: Sequence[str], speaker: Speaker) -> Answer:
        found = named(words, self._hedges())
        return Answer(esc(found)) if isinstance(found, str) else await self._answer(found, speaker)

    async def _answer(self, found: Named, speaker: Speaker) -> Answer:
        if found.key is None:
            rows = ((Choice(name, (TYPED, name, found.name, *found.words)),) for name in self._hedges())
            return Answer(texts.which_hedge_text(found.name), tuple(rows))
        if not found.words:
            return self._detail(found.key)
        word, *more = found.words
        if more and more != [unit_of(found.key, self._live.file.hedges)]:
            return Answer(esc(f"One value, please: /set {found.key.typed} VALUE."))
        return await self._change(found.key, word, speaker)

    async def _change(self, key: Key, word: str, speaker: Speaker) -> Answer:
        try:
            plan = self._plan(key, word, speaker)
        except ConfigurationError as error:
            return Answer(f"⚠️ {esc(str(error))} Nothing was changed.")
        if plan.next == self._now:
            return self._already(key)
        if (question := self._question(plan, word, UNASKED)) is not None:
            return question
        return await self._carry_out(key, word, speaker, word_in(self._live.now, key), UNASKED)

    def _question(self, plan: Plan, word: str, shown: str) -> Answer | None:
        """None when nothing is to be asked: it is no riskier than before, or this is what was asked, by its mark."""
        found = dangers(plan.key, self._live.now, plan.next.config)
        if not found:
            return None
        question = texts.question_text(self._turn_of(plan), found)
        if _mark(question) == shown:
            return None
        words = (SURE, *plan.key.typed.split(), word, word_in(self._live.now, plan.key), _mark(question))
        buttons = (Choice("Yes", words, is_danger=True), Choice("No", words, declines=True))
        return Answer(question, (buttons,), is_question=True)

    def _plan(self, key: Key, word: str, speaker: Speaker) -> Plan:
        """Raises ConfigurationError when the whole would not be allowed."""
        file, unit = self._live.file, unit_of(key, self._live.file.hedges)
        kept = {key_of(each): each for each in self._now.kept}
        earlier = kept.pop(key, None)
        value = word_in(file, key) if word.lower() == DEFAULT else word_of(raw_of(key, word, unit))
        if value == word_in(file, key):
            return Plan(key, None, self._with(*kept.values()))
        if earlier is not None and earlier.value == value:
            return Plan(key, earlier, self._now)
        override = Override(key.hedge, key.name, value, word_in_file(file, key), speaker.label, self._clock.now())
        return Plan(key, override, self._with(*kept.values(), override))

    def _with(self, *overrides: Override) -> Effective:
        """In place of what is kept now. Raises ConfigurationError."""
        return Effective(with_overrides(self._live.file, overrides, self._judge), overrides)

    # what is done

    async def _carry_out(self, key: Key, word: str, speaker: Speaker, before: str, shown: str) -> Answer:
        """To its end, also when whoever asked does not wait for it: what is stored is in force.

        `before`: the value from which it is to be changed; from another nothing is. `shown`: the mark of the question
        that was answered, or UNASKED; where other settings make another question of it meanwhile, that one is asked.
        """
        return await asyncio.shield(asyncio.ensure_future(self._carried_out(key, word, speaker, before, shown)))

    async def _carried_out(self, key: Key, word: str, speaker: Speaker, before: str, shown: str) -> Answer:
        async with self._turn:
            if word_in(self._live.now, key) != before:
                return Answer(f"{esc(key.typed)} was changed meanwhile, so nothing was done. Send /set again.")
            try:
                plan = self._plan(key, word, speaker)
            except ConfigurationError as error:
                return Answer(f"⚠️ {esc(str(error))} Nothing was changed.")
            if (question := self._question(plan, word, shown)) is not None:
                return question
            turn, config = self._turn_of(plan), self._live.now
            if not await self._store(plan, turn, speaker):
                return Answer(REPEATED)
            self._take(plan.next)
        if key.hedge:
            self._wake(key.hedge)
        await self._tell(key, turn.before, speaker.label)
        return Answer(texts.changed_text(turn, _new_notes(key, config, plan.next.config)))

    def _already(self, key: Key) -> Answer:
        return Answer(f"{esc(key.typed)} is {esc(shown_value(self._live.now, key))} already.")

    async def _store(self, plan: Plan, turn: texts.Turn, speaker: Speaker) -> bool:
        """False when this message was carried out before."""
        outcome = f"{turn.before} -> {turn.after}"
        words = (*plan.key.typed.split(), plan.override.value if plan.override else DEFAULT)
        wish = Wish(speaker.label, speaker.source, words, speaker.update_key, speaker.at, outcome)
        if plan.override is None:
            return await self._overrides.drop(plan.key.hedge, plan.key.name, wish, self._clock.now())
        return await self._overrides.set(plan.override, wish)

    def _take(self, found: Effective) -> None:
        self._now = replace(found, outdated=(), refused=())
        self._live.put_in_force(found.config)

    async def _tell(self, key: Key, before: str, by: str) -> None:
        value = shown_value(self._live.now, key) if is_settable(key) else "no setting of the chat's"
        data = {"key": key.name, "value": value, "old": before, "by": by}
        await self._events.append(Event(EventKind.SETTING_CHANGED, key.hedge or None, self._clock.now(), data))

    # what is shown

    def _list(self, hedge: str) -> Answer:
        """With that hedge's; empty: with no hedge's values."""
        keys = _listed_keys(self._live.now, hedge)
        values = {key.name: shown_value(self._live.now, key) for key in keys}
        marked = {each.key for each in self._now.kept if key_of(each) in keys}
        return Answer(texts.list_text(hedge, values, marked))

    def _alerts(self) -> Answer:
        kinds = self._by_field(key for key in alert_keys() if _is_kind(key))
        others = self._by_field(key for key in alert_keys() if not _is_kind(key))
        buttons = [
            Choice(f"{texts.LOUDNESS_SIGNS[how]} {kind}", (TYPED, f"{ALERTS}.{kind}")) for kind, how in kinds.items()
        ]
        return Answer(texts.alerts_text(kinds, others), _rows(buttons))

    def _by_field(self, keys: Iterable[Key]) -> dict[str, str]:
        return {key.field: shown_value(self._live.now, key) for key in keys}

    def _detail(self, key: Key) -> Answer:
        now, row = self._live.now, ROWS.get(key.name, NO_ROW)
        setting = next(each for each in self.all() if each.key == key.full)
        detail = texts.Detail(
            typed=key.typed,
            meaning=row.meaning,
            now=shown_value(now, key),
            otherwise=shown_value(self._live.file, key),
            setting=setting,
            named_in_file=word_in_file(self._live.file, key) is not None,
            allowed=takes(key).in_words(unit_of(key, now.hedges)),
            zero=ZERO.get(key.name, ""),
            danger=danger_in_words(row),
        )
        return Answer(texts.detail_text(detail, self._zone), _rows(self._turns_to(key, setting)))

    def _turns_to(self, key: Key, setting: texts.Setting) -> list[Choice]:
        """Its other words, and the way back from what was set from chat."""
        words = [word for word in takes(key).choices if word != word_in(self._live.now, key)]
        if setting.origin == "chat":
            words.append(DEFAULT)
        return [Choice(word, (TYPED, *key.typed.split(), word)) for word in words]

    def _turn_of(self, plan: Plan) -> texts.Turn:
        key, before, after = plan.key, self._live.now, plan.next.config
        meaning, also = ROWS.get(key.name, NO_ROW).meaning, consequences(key, before, after)
        return texts.Turn(key.typed, meaning, shown_value(before, key), shown_value(after, key), also)

    def _hedges(self) -> tuple[str, ...]:
        return tuple(self._live.file.hedges)

    def _only_hedge(self) -> str:
        """Empty where there are several."""
        first, *others = self._hedges()
        return "" if others else first


def _mark(question: str) -> str:
    """Tells one question from another."""
    return sha256(question.encode()).hexdigest()[:MARK_CHARS]


def _listed_keys(config: Config, hedge: str) -> list[Key]:
    """Alerts have a list of their own."""
    return [key for key in settable_keys(config) if key.hedge in ("", hedge) and not key.is_alert]


def _is_kind(key: Key) -> bool:
    """Of alert; the others are thresholds and paces."""
    return set(takes(key).choices) == set(texts.LOUDNESS_SIGNS)


def _rows(buttons: Sequence[Choice]) -> tuple[tuple[Choice, ...], ...]:
    return tuple(tuple(buttons[at : at + BUTTONS_IN_A_ROW]) for at in range(0, len(buttons), BUTTONS_IN_A_ROW))


def _new_notes(key: Key, before: Config, after: Config) -> tuple[str, ...]:
    """What makes little sense together since this change."""
    if not key.hedge:
        return ()
    known = contradictions(before.hedges[key.hedge])
    return tuple(clause for clause in contradictions(after.hedges[key.hedge]) if clause not in known)
