"""Which branch of the chain the last reads were on: a block that was read and then replaced is noticed by its hash.

A contract cannot see its own block's hash, only its parent's: each read names the parent, and asks the branch that it
is on for the hash of an earlier read's parent. A block that is replaced alone, with the same parent, is not noticed so:
what is read next is simply what is there now.
"""

from core.clock import Clock
from core.facts import Block

# The head seen last is forgotten after so long: then a lower one is where the chain is.
LAGGING_FOR_S = 60.0


class Branch:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: Block | None = None
        self._noted_at_s = 0.0

    @property
    def known(self) -> Block | None:
        """The newest block that was believed."""
        return self._known

    @property
    def newest(self) -> int | None:
        """Its number, None when that was over a minute ago."""
        recent = self._clock.monotonic_s() - self._noted_at_s <= LAGGING_FOR_S
        return self._known.number if self._known is not None and recent else None

    def note(self, block: Block, *, reorganised: bool) -> None:
        """This block was read and believed."""
        if reorganised or self.newest is None or block.number >= self.newest:
            self._known, self._noted_at_s = block, self._clock.monotonic_s()


def earlier_number(known: Block | None) -> int:
    """Number of the block whose hash tells whether `known` still stands: its parent, which it named."""
    return known.number - 1 if known is not None else 0


def left_behind(known: Block | None, block: Block, earlier_hash: str | None) -> int | None:
    """Number of `known`, when the branch of `block` has another parent in its place.

    `earlier_hash`: what that branch says of `earlier_number(known)`; None: it cannot say.
    """
    if known is None or known.parent_hash is None:
        return None
    told = block.parent_hash if block.number == known.number else earlier_hash
    return known.number if told is not None and told != known.parent_hash else None
