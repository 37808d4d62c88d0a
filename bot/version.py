"""Which program this is."""

from importlib.metadata import PackageNotFoundError, version

NOT_INSTALLED = "0.1.0"


def program_version() -> str:
    """The installed package's version; from a bare source tree the one of this source."""
    try:
        return version("lp-hedge")
    except PackageNotFoundError:
        return NOT_INSTALLED
