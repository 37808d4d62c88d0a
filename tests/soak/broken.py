"""What the tests of the judge write, so as to break one rule at a time."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta

from tests.rigs.telegram.world import Revision
from tests.soak.stage import OPERATOR, SoakStage

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
AT = "2026-01-01T12:00:00.000000Z"


def write(stage: SoakStage, statement: str, *values: object) -> None:
    with sqlite3.connect(stage.database) as database:
        database.execute(statement, values)
    database.close()


def sell(stage: SoakStage, client_id: str, quantity: str) -> None:
    order = {"symbol": "ETHUSDT", "side": "SELL", "type": "MARKET", "quantity": quantity, "newClientOrderId": client_id}
    stage.exchange.submit(order)


def happened(stage: SoakStage, kind: str, at: datetime, *, hedge: str = "eth", told: str = "", **data: str) -> None:
    """An event; `told`: with its message, in the chat."""
    insert = "INSERT INTO events (scope, kind, hedge, at, data) VALUES ('s', ?, ?, ?, ?)"
    write(stage, insert, kind, hedge, _text(at), json.dumps(data))
    if told:
        message(stage, f"{kind}:{hedge}:{at.isoformat()}", at, told)


def message(
    stage: SoakStage,
    key: str,
    at: datetime,
    text: str,
    *,
    thread: str = "",
    shown: bool = True,
    edits: str | None = None,
) -> None:
    """A row of the outbox that is finished; `shown`: it is also in the chat, where an edit changes its message."""
    insert = (
        "INSERT INTO outbox (key, text, html, priority, silent, created_at, buttons, finished_at, gist, edits)"
        " VALUES (?, ?, 0, 1, 0, ?, '[]', ?, ?, ?)"
    )
    gist = json.dumps({"thread": thread}) if thread else None
    write(stage, insert, key, text, _text(at), _text(at), gist, edits)
    if not shown:
        return
    world = stage.telegram.world
    revision = Revision(text, text, (), ())
    with world.changed:
        if edits is not None:
            world.messages[-1].revisions.append(revision)
            return
        sent = world.add(OPERATOR, world.bot_id, "text", revision)
    write(stage, "INSERT INTO deliveries (key, chat_id, message_id) VALUES (?, ?, ?)", key, OPERATOR, sent.message_id)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
