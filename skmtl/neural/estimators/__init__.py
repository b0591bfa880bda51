"""The public networks: a docstring, and which parts."""
