"""A file from which a fit goes on."""

from __future__ import annotations

import os
import pickle
import re
from contextlib import suppress
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sklearn

from skmtl.neural.training._callbacks import HAS_CALLBACKS

if TYPE_CHECKING:
    from os import PathLike


class Checkpoint:
    """Callback that saves a network while it trains, so that a crash costs an epoch at most.

    After an epoch, ``path`` holds a pickle of the estimator: it predicts with the weights kept
    so far and, with ``warm_start=True``, the next ``fit`` with the same parameters and data
    goes on from there, to the same bits as a fit without interruption. It goes on saving to the
    same file, and clears away what a process that was killed had begun to write. ``max_iter``
    is then that of all epochs, and may be raised unless the learning rate follows a curve. The
    file is replaced in one move, so that it is always whole. For one fit only: those of a search
    would write to the same file.

    Like any pickle, load it only if you trust where it comes from.

    Parameters
    ----------
    path : str or path-like
        The file; an older one is replaced.
    every : int, default=1
        Save after each epoch, or after every so many.

    Raises
    ------
    ImportError
        If scikit-learn is older than 1.9, which brings callbacks.

    Examples
    --------
    >>> import os, pickle, tempfile
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural import Checkpoint
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> path = os.path.join(tempfile.mkdtemp(), "model.pkl")
    >>> model = MultiTaskMLP(max_iter=12, random_state=0)
    >>> model.set_callbacks(Checkpoint(path, every=5)).fit(X, X).n_iter_
    12

    The power went off after epoch 12. The file is that of epoch 10, and a fit goes on from there:

    >>> with open(path, "rb") as file:
    ...     saved = pickle.load(file)
    >>> saved.n_iter_
    10
    >>> saved.set_params(warm_start=True).fit(X, X).n_iter_
    12
    >>> bool((saved.predict(X) == model.predict(X)).all())
    True
    """

    def __init__(self, path: str | PathLike[str], *, every: Any = 1) -> None:
        if not HAS_CALLBACKS:
            raise ImportError(
                "Checkpoint needs the callbacks of scikit-learn 1.9 or later; this is "
                f"{sklearn.__version__}. Upgrade it: pip install -U scikit-learn"
            )
        if not isinstance(every, Integral) or every < 1:
            raise ValueError(f"every={every!r}; expected a whole number > 0.")
        self.path = path
        self.every = every

    def setup(self, estimator: Any, context: Any) -> None:
        """Refuse an estimator that cannot go on; clear away what a killed process has left.

        Parameters
        ----------
        estimator : estimator
            The one that is fitted.
        context : object
            Of the fit, by scikit-learn.
        """
        if not hasattr(estimator, "_goes_on"):
            raise TypeError(
                f"Checkpoint saves fits of MultiTaskMLP; {type(estimator).__name__} has none to "
                "go on with."
            )
        for file, pid in self._unfinished():
            if pid == os.getpid() or not _is_alive(pid):
                with suppress(OSError):
                    file.unlink()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing is open.

        Parameters
        ----------
        estimator : estimator
            The one that is fitted.
        context : object
            Of the epoch, or of the fit, by scikit-learn.
        """

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing to save yet.

        Parameters
        ----------
        estimator : estimator
            The one that is fitted.
        context : object
            Of the epoch, or of the fit, by scikit-learn.
        """

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Save after an epoch.

        Parameters
        ----------
        estimator : estimator
            The one that is fitted.
        context : object
            Of the epoch, or of the fit, by scikit-learn.
        """
        if context.task_name == "epoch" and (context.task_id + 1) % self.every == 0:
            self._save(estimator._watch.pause().set_callbacks(self))

    def _unfinished(self) -> list[tuple[Path, int]]:
        """Files that processes have not finished, and the number of each process."""
        path = Path(self.path)
        name = re.compile(rf"{re.escape(path.name)}\.(\d+)\.part")
        found = [(file, name.fullmatch(file.name)) for file in path.parent.glob("*.part")]
        return [(file, int(match[1])) for file, match in found if match]

    def _save(self, estimator: Any) -> None:
        path = Path(self.path)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with unfinished.open("wb") as file:
                pickle.dump(estimator, file)
                # On the disk before it takes the place of the one before.
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    """Whether a process runs; elsewhere than on POSIX its open files cannot be removed."""
    if os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
