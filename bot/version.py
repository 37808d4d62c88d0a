"""Which program this is: the one place of the version, which the package's build reads too."""

VERSION = "0.1.0"
