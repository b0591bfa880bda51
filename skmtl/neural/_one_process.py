"""Whether a fit is shared by the processes of torch's group; without torch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

ALONE = ContextVar("ALONE", default=False)
"""Whether fits are those of this process, whatever group there is."""


@contextmanager
def in_one_process() -> Iterator[None]:
    """Fit networks in this process alone, where torch's process group would share each fit.

    In a program whose processes form a group (``torch.distributed``), they share every fit of a
    network: all of them call ``fit`` with the same arguments, and one that does not is waited for.
    Within this context no process waits for another, so that each may fit what it likes.

    Yields
    ------
    None
        Nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural import in_one_process
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> with in_one_process():
    ...     model = MultiTaskMLP(max_iter=10, random_state=0).fit(X, X)
    >>> model.predict(X).shape
    (50, 3)
    """
    token = ALONE.set(True)
    try:
        yield
    finally:
        ALONE.reset(token)


def shared_fit() -> AbstractContextManager[None]:
    """`skmtl.neural._ranks.together`, where a group may be: without torch there is none."""
    if "torch" not in sys.modules:
        return nullcontext()
    from skmtl.neural._ranks import together

    return together()
