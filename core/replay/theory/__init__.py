"""What theory says of a position and its hedge: formulas on plain numbers, each with its units, sign and source.

`math` alone is used, so that importing it costs nothing. Rates and volatilities name their time, or are for whatever
unit of time the volatility is in. docs/theory.md says what each is used for, and what it does not tell.
"""

from core.replay.theory.bands import (
    RELATIVE_RISK_AVERSION,
    BestBand,
    Prediction,
    best_band,
    predict,
    risk_aversion_for,
    sigma_base,
)

__all__ = [
    "RELATIVE_RISK_AVERSION",
    "BestBand",
    "Prediction",
    "best_band",
    "predict",
    "risk_aversion_for",
    "sigma_base",
]
