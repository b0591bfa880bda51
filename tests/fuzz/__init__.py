"""Small random problems for every estimator, each held against what the package promises.

``python -m tests.fuzz --half neural --problems 10000 --seed 0`` prints what it tried and every
anomaly, with the command that repeats it.
"""
