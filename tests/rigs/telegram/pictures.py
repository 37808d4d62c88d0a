"""Pictures as Telegram takes them for photos, and a smallest one to send."""

from __future__ import annotations

import struct
import zlib

from tests.rigs.telegram.errors import bad_request

PHOTO_BYTES = 10 * 1024 * 1024
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def png(width: int = 8, height: int = 4) -> bytes:
    """One colour, complete and well-formed."""
    rows = b"".join(b"\0" + b"\x40" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def photo_size(content: bytes) -> tuple[int, int]:
    """(width, height); raises ApiError 400 for what is no picture, too large, too wide or too narrow."""
    if len(content) > PHOTO_BYTES:
        raise bad_request(f"file of size {len(content)} bytes is too big for a photo")
    if content.startswith(_JPEG):
        return 800, 400
    if not content.startswith(_PNG) or content[12:16] != b"IHDR" or b"IEND" not in content[-12:]:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = struct.unpack(">II", content[16:24])
    if not (width and height) or width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width, height


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
