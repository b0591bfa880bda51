"""Published experiments, run again: the numbers of papers beside ours and beside other packages.

An *experiment* has *settings* (sizes of the training part, kinds of splits, sets) and
*methods*; its protocol is the paper's, and where it is not, its docstring says so. What a paper
reports stands in the same table, with where it was read, or that it was recalled. Records are
those of `benchmarks.accuracy`.
"""
