"""Linear fits beside other packages: CPU time to the same true duality gap.

Every competitor runs in one process on the same data, in turns. One function computes the gap of
the coefficients that come back (`problems.relative_gap`), as a share of the sum of squares of Y
or, for classes and counts (the problems glm*), of the loss of constants.
Where a tolerance is not a gap, a ladder of tolerances is climbed first, and the cheapest run that
ends below the gap asked for counts (`timing`). Times are medians of process time and include
Gram matrices; the number in brackets is the time over that of the first column.

    python -m benchmarks.linear --problems 0.1 0.01 path --shapes A C

The commands for all tables are in benchmarks/README.md.
"""
