"""Numbers of the losses that there are `@compiled` functions of.

A task type names the number of its loss as `Task.compiled_loss`; without one, its functions of
numpy are called. (A compiled function that takes others as arguments is compiled in every process
anew, one that takes a number is not.)
"""

from __future__ import annotations

SQUARED, HUBER, LOGISTIC, POISSON, SOFTMAX = range(5)
