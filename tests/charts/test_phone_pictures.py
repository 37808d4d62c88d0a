"""The pictures in the documentation show messages as they were sent."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.pictures.letters import Run, rows, runs
from tests.pictures.phone import BUTTONS, WIDEST, Bubble, chat_svg
from tests.rigs.telegram.entities import parse_html
from tests.rigs.telegram.markup import ShownButton

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_nothing_of_a_message_is_lost_or_taken_for_markup() -> None:
    """Emoji, comparison signs, styles: every character stands in the picture, each style where it was."""
    text, entities = parse_html("⚖️ <b>Gap &lt; band</b> &amp; <code>a1b2</code>\n<i>Updated</i> 🔁 12:00")
    svg = chat_svg([Bubble(text, tuple(entities), "12:00")])
    shown = texts(svg)
    assert all(line in shown for line in text.split("\n"))
    tspans = {each.text: each.attrib for each in ElementTree.fromstring(svg).iter(f"{SVG}tspan")}
    assert tspans["Gap < band"]["font-weight"] == "700"
    assert tspans["Updated"]["font-style"] == "italic"
    assert "monospace" in tspans["a1b2"]["font-family"]


def test_long_lines_are_broken_between_words_and_fit() -> None:
    """As a phone does it; no word is lost."""
    text = "The gap is larger than the band and stays so while the price moves " * 5
    broken = rows(list(runs(text, ())), WIDEST)
    assert "".join(run.text for row in broken for run in row) == text
    assert len(broken) > 5
    assert all(sum(run.width_px for run in row) <= WIDEST + Run(" ").width_px for row in broken)


def test_buttons_quotes_and_the_pin_are_drawn() -> None:
    """Dangerous ones red, good ones green; what is answered stands above the answer."""
    buttons = ((ShownButton("Approve", "approve:1", "success"), ShownButton("Reject", "reject:1", "danger")),)
    svg = chat_svg([Bubble("Sell?", (), "12:00", buttons=buttons, quoted="Proposed hedge")], pinned="PAPER · RUNNING")
    assert {"Approve", "Reject", "Proposed hedge", "Pinned message", "PAPER · RUNNING"} <= set(texts(svg))
    fills = [each.attrib.get("fill") for each in ElementTree.fromstring(svg).iter(f"{SVG}rect")]
    assert {BUTTONS["success"], BUTTONS["danger"]} <= set(fills)
