"""Why a connection failed, in words for whoever has to mend it: no class names, and nothing of the address."""

from __future__ import annotations

import errno
import socket
import ssl

from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    ClientSSLError,
    InvalidURL,
    ServerDisconnectedError,
)

_REFUSED = frozenset({errno.ECONNREFUSED})
_CUT = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


def what_failed(error: BaseException) -> str:
    """Of a request over HTTP that brought no answer, or one that nobody can read."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ClientConnectorError):
        return f"the connection could not be made ({why_unconnected(error)})"
    if isinstance(error, ClientError | OSError):
        return f"the connection broke ({why_unconnected(error)})"
    return "an answer that could not be read"


def why_unconnected(error: BaseException) -> str:
    """A clause such as "nothing listens there", to stand in brackets behind "did not answer"."""
    match error:
        case TimeoutError():
            return "it took too long"
        case ClientConnectorDNSError() | socket.gaierror():
            return "no such host name is known here"
        case ClientSSLError() | ssl.SSLError():
            return "no secure connection could be made"
        case ServerDisconnectedError() | ClientPayloadError() | EOFError() | ConnectionResetError():
            return "the connection was cut"
        case ClientConnectorError() if error.os_error.errno is None:
            return why_unconnected(error.os_error)
        case InvalidURL():
            return "its address is not one"
    return _by_number(getattr(error, "errno", None))


def _by_number(number: int | None) -> str:
    if number in _REFUSED:
        return "nothing listens there"
    if number in _CUT:
        return "the connection was cut"
    if number in _UNREACHABLE:
        return "there is no way to it: is this machine's network up?"
    return "the connection failed"
