"""`lp-hedge backtest`: one replay of a hedge over recorded prices, told as text, JSON, CSV and a picture."""
