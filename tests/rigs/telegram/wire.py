"""Request bodies as the client libraries really send them: none, form, JSON, multipart, plain or chunked."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from tests.rigs.telegram.errors import bad_request


@dataclass(frozen=True)
class Upload:
    """`size`: a picture's width and height, once it was examined."""

    file_name: str
    content: bytes
    size: tuple[int, int] | None = None


class Params:
    """Typed access to one call's parameters; on the wire, numbers and structures may be strings."""

    def __init__(self, values: Mapping[str, object], files: Mapping[str, Upload]) -> None:
        self.values = values
        self.files = files

    def text(self, name: str) -> str:
        value = self.values.get(name, "")
        if not isinstance(value, str):
            raise bad_request(f'field "{name}" must be of type String')
        return value

    def has(self, name: str) -> bool:
        return name in self.values

    def integer(self, name: str, default: int | None = None) -> int:
        value = self.values.get(name, default)
        if value is None or value == "":
            raise bad_request(f"{name} is empty")
        try:
            return int(str(value))
        except ValueError:
            raise bad_request(f'field "{name}" must be a valid Number') from None

    def flag(self, name: str) -> bool:
        value = self.values.get(name, False)
        if value in (True, False):
            return bool(value)
        if value not in ("true", "false"):
            raise bad_request(f'field "{name}" must be a Boolean')
        return value == "true"

    def structure(self, name: str) -> object:
        """A nested value; None when absent."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f'can\'t parse "{name}" JSON object') from None

    def table(self, name: str) -> dict[str, object]:
        value = self.structure(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise bad_request(f"object expected as {name}")
        return value

    def upload(self, name: str, reference: object) -> Upload | None:
        """A file under its own field, or one that `reference` names as attach://field."""
        if name in self.files:
            return self.files[name]
        if isinstance(reference, str) and reference.startswith("attach://"):
            return self.files.get(reference.removeprefix("attach://"))
        return None


def read_body(stream: io.BufferedIOBase, headers: Mapping[str, str]) -> bytes:
    """Raises ConnectionError when the client hung up within its request: that was no call, as for Telegram."""
    if headers.get("Transfer-Encoding", "").lower() != "chunked":
        return _exactly(stream, int(headers.get("Content-Length", "0")))
    body = b""
    while size := int(_line(stream).split(b";")[0], 16):
        body += _exactly(stream, size)
        _line(stream)
    while _line(stream).strip():
        continue
    return body


def _exactly(stream: io.BufferedIOBase, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise ConnectionError(f"hung up after {len(content)} of {size} bytes")
    return content


def _line(stream: io.BufferedIOBase) -> bytes:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise ConnectionError("hung up within a line")
    return line


def parse_body(content_type: str, body: bytes) -> Params:
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if not body:
        return Params({}, {})
    if kind == "application/json":
        decoded = json.loads(body)
        if not isinstance(decoded, dict):
            raise bad_request("object expected")
        return Params(decoded, {})
    if kind == "application/x-www-form-urlencoded":
        return Params(dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)), {})
    if kind == "multipart/form-data":
        return _parse_multipart(content_type, body)
    raise bad_request(f"unsupported content type {kind}")


def _parse_multipart(content_type: str, body: bytes) -> Params:
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    if boundary is None:
        raise bad_request("multipart without a boundary")
    values: dict[str, object] = {}
    files: dict[str, Upload] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="?([^";\r]+)"?', head)
        file_name = re.search(rb'filename="?([^";\r]*)"?', head)
        if name is None:
            raise bad_request("multipart field without a name")
        if file_name is None:
            values[name[1].decode()] = content.decode()
        else:
            files[name[1].decode()] = Upload(file_name[1].decode(), content)
    return Params(values, files)
