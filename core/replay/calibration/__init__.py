"""The search for settings: many replays over the parts of one path, ranked by cost and risk, never by profit."""
