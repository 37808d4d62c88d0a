"""`lp-hedge calibrate`: good settings for one's own position, by recorded prices and by theory."""
