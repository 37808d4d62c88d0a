"""The page of failures names every task that runs, and nothing starts a task past the keeper."""

from __future__ import annotations

import ast
import re

import pytest

from bot.assembly import ACCOUNT_ALLOWED_S
from bot.daily_report import TURN_S as REPORT_TURN_S
from bot.front import TIDYING_ALLOWED_S
from bot.notifier import TICK_S
from bot.telegram_watch import LOOK_EVERY_S
from core.supervision import TURN_ALLOWANCE_S
from tests.house.source import ROOT, leaf_name, modules

PAGE = (ROOT / "docs" / "failures.md").read_text()
# What is begun here ends with the call that began it, or has its own keeper: Telegram's front end.
BEGINNERS = {
    "bot/book.py",
    "bot/chat_settings/desk.py",
    "bot/front.py",
    "bot/loop_watch.py",
    "bot/preflight/first_news.py",
    "bot/stopping.py",
    "bot/telegram/activity.py",
    "bot/telegram/connection.py",
    "bot/telegram/frontend.py",
    "core/cancellation.py",
    "core/engine.py",
    "core/execution/bookkeeping.py",
    "core/feeds.py",
    "core/listening.py",
    "core/runner.py",
}
BEGINS = {"create_task", "ensure_future", "TaskGroup", "Thread", "Timer", "run_in_executor"}


def calls_of(*names: str) -> list[tuple[str, ast.Call]]:
    return [
        (module.name, node)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and leaf_name(node.func) in names
    ]


def test_every_task_is_in_the_table() -> None:
    """By the names that the source gives them; and the table names no other."""
    table = PAGE.split("## What runs")[1]
    rows = set(re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE))
    given = {"commands", "fills told", "the exchange's account news", "the exchange's market news", "news of CHAIN"}
    for _, call in calls_of("Task"):
        if isinstance(call.args[0], ast.Constant):
            given.add(str(call.args[0].value))
    assert rows == given


@pytest.mark.parametrize(
    ("task", "allowed_s", "shown"),
    [
        ("commands", TURN_ALLOWANCE_S, "60 s"),
        ("account history", ACCOUNT_ALLOWED_S, "15 min"),
        ("notifier", TICK_S + TURN_ALLOWANCE_S, "65 s"),
        ("daily report", REPORT_TURN_S + TURN_ALLOWANCE_S, "2 min"),
        ("tidying", TIDYING_ALLOWED_S, "7 h"),
        ("Telegram's watch", LOOK_EVERY_S + TURN_ALLOWANCE_S, "65 s"),
    ],
)
def test_the_allowed_ages_are_the_program_s(task: str, allowed_s: float, shown: str) -> None:
    """The table says after what time without a turn a task counts as failing."""
    number, unit = shown.split()
    assert float(number) * {"s": 1, "min": 60, "h": 3600}[unit] == allowed_s
    assert re.search(rf"^\| `{task}` \| [^|]+ \| {shown} \|", PAGE, re.MULTILINE)


def test_nothing_is_started_past_the_keeper() -> None:
    """A new place that starts tasks or threads is to be looked at: who keeps what it starts?"""
    assert {name for name, _ in calls_of(*BEGINS)} <= BEGINNERS
