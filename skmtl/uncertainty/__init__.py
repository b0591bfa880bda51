"""How sure: intervals that cover, calibrated probabilities, thresholds, which label next."""

__all__: list[str] = []
