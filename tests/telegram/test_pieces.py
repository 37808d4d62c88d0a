"""Long texts in parts that Telegram takes, with nothing lost and all markup whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.pieces import clipped, pieces, plain, utf16_len
from tests.rigs.telegram.entities import parse_html

LIMIT = 400
WORDS = st.text(alphabet="ab 🟢é", min_size=1, max_size=40)
LINES = st.lists(WORDS, min_size=1, max_size=40)


@given(LINES)
def test_plain_lines_are_kept_whole_and_in_order(lines: list[str]) -> None:
    """Parts end where lines end; only parts of blanks are dropped."""
    parts = pieces("\n".join(lines), is_html=False, limit=LIMIT)
    assert all(utf16_len(part) <= LIMIT for part, _ in parts)
    assert "".join("".join(part for part, _ in parts).split()) == "".join("".join(lines).split())


@given(LINES)
def test_markup_is_closed_and_opened_again_over_a_cut(lines: list[str]) -> None:
    """Each part passes the strict parser, and the visible text is the same."""
    source = "<b>Report</b>\n<pre>" + "\n".join(f"{line} &lt;<i>x</i>" for line in lines) + "</pre>"
    parts = pieces(source, is_html=True, limit=LIMIT)
    shown = [parse_html(part)[0] for part, is_html in parts if is_html]
    assert len(shown) == len(parts)
    assert all(utf16_len(part) <= LIMIT for part, _ in parts)
    assert "".join("".join(shown).split()) == "".join(plain(source).split())


def test_one_endless_line_is_cut_and_loses_its_markup() -> None:
    """Better plain than refused."""
    parts = pieces("<b>" + "🟢" * 5000 + "</b>", is_html=True)
    assert [is_html for _, is_html in parts] == [False] * len(parts)
    assert "".join(part for part, _ in parts) == "🟢" * 5000


def test_clipping_counts_as_telegram_does() -> None:
    """A character outside the basic plane counts two."""
    assert clipped("🟢" * 200, 200) == "🟢" * 100
