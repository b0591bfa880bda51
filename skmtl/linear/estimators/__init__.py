"""The public linear estimators: a docstring, and which parts."""
