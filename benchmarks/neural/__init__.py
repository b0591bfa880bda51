"""What training costs: whole fits beside other packages, and a step of every method.

Everything that one table compares runs in one process on the same data, in turns, on one thread.
Times are medians of CPU time over the repeats; the number in brackets says how many times that
of the base, which the title of the table names.

    python -m benchmarks.neural --tables fits --tasks 2 10 --peers scikit-learn

The commands for all tables are in benchmarks/README.md.
"""
