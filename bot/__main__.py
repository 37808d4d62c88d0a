"""`python -m bot` is `lp-hedge`."""

import sys

from bot.cli import main

sys.exit(main())
