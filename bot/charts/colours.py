"""What each thing looks like, the same in every picture; told apart by the colour-blind too."""

PRICE, LP, SHORT, LEFT_OVER, BAND = "#1d4ed8", "#0f766e", "#c2410c", "#6d28d9", "#b08900"
FEES, HEDGE, FUNDING, COSTS, NET = "#16a34a", "#c2410c", "#ca8a04", "#be123c", "#111827"
