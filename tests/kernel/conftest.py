"""The small problems of the linear half."""

from tests.linear.conftest import mixed_data, regression_data

__all__ = ["mixed_data", "regression_data"]
