"""The report: what a user calls."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skmtl.inspection._words import number, plural
from skmtl.inspection.report._find import find
from skmtl.inspection.report._page import build_page
from skmtl.inspection.report._summary import columns, summarise


class MultiTaskReport:
    """What a model makes of every task, as a table and as a page to read and to pass on.

    The page has a table of all tasks, what each of them gains by being learned together with the
    others, what they have in common, where labels are missing, and for each task its learning
    curve, predicted against observed labels and the rows that are predicted worst. It is one
    file that loads nothing, for light and dark screens and for print.

    Everything is computed once, when the report is made.

    Parameters
    ----------
    estimator : estimator
        Estimator of this package, also as the last step of a
        :class:`~sklearn.pipeline.Pipeline` or in a search. It is not changed: if it is not
        fitted, a clone is fitted to the data.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Features, with the task feature in long form. The index of a pandas DataFrame names the
        rows.
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels; any may be missing.
    cv : int, cross-validation generator, iterable or None, default=None
        Where scores come from. None: predictions for the data given, which say little if the
        model was trained on them. Otherwise clones are fitted and evaluated on rows that they have
        not seen, and their losses are compared with those of learning each task alone, also on
        each split (:func:`~skmtl.transfer_gain`, which says what a number means).
    metric : str, callable, dict or None, default=None
        What the score of a task is, see :func:`~skmtl.make_multitask_scorer`; by default what
        ``estimator.score`` averages.
    baseline : estimator or None, default=None
        What learning alone means, see :func:`~skmtl.transfer_gain`.
    affinity : str or None, default="auto"
        What tasks have in common: a method of :func:`~skmtl.inspection.task_affinity`, or None
        to leave it out. "auto" is "coef_cosine" for an estimator with coefficients (each task is
        fitted alone once), "grad_cosine" for a network (it is trained once more), else None.
        Twice half the rows say how far chance moves them.
    importance : int, "auto" or None, default="auto"
        Permutations of each feature, on each split or on the data given, by which
        :func:`~skmtl.inspection.task_importance` is found; None to leave it out. "auto": one on
        each split, or five without, unless X is sparse or has more than 100 columns.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels, in fits, scores and gains.
    groups : array-like of shape (n_samples,), default=None
        Rows of a group are never parted by ``cv``.
    confidence : float, default=0.95
        Level of the intervals of the gains.
    n_jobs : int, default=None
        Number of fits at the same time, by joblib. Results do not depend on it.

    Attributes
    ----------
    gain : TransferGain or None
        Gains, if ``cv`` is given and there are several tasks.
    affinity : TaskAffinity or None
        What tasks have in common, with its noise.
    importance : TaskImportance or None
        What every feature is worth to every task.
    verdict : str
        What the page says first.

    Raises
    ------
    TypeError
        If the estimator is none of this package.

    See Also
    --------
    skmtl.task_scores : The scores alone.
    skmtl.transfer_gain : The gains alone.

    Notes
    -----
    The page asks for nothing: a content security policy forbids it, and the names of tasks,
    features, rows and classes are escaped. The same data and model give the same bytes.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.inspection import MultiTaskReport
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 4))
    >>> y = pd.DataFrame({"height": X[:, 0] + rng.normal(size=90), "ill": X[:, 1] > 0})
    >>> y = y.mask(rng.random(y.shape) < 0.2)
    >>> report = MultiTaskReport(MultiTaskLinear(alpha=0.1), X, y, cv=3)
    >>> report.to_frame()[["type", "labels", "rank"]]
                type  labels  rank
    height  regression      70   2.0
    ill         binary      74   1.0
    >>> report.to_html()[:15]
    '<!DOCTYPE html>'
    """

    def __init__(
        self,
        estimator,
        X,
        y,
        cv=None,
        *,
        metric=None,
        baseline=None,
        affinity="auto",
        importance="auto",
        sample_weight=None,
        groups=None,
        confidence=0.95,
        n_jobs=None,
    ):
        self._findings = find(
            estimator,
            X,
            y,
            cv,
            metric=metric,
            baseline=baseline,
            affinity=affinity,
            importance=importance,
            sample_weight=sample_weight,
            groups=groups,
            confidence=confidence,
            n_jobs=n_jobs,
        )
        self.gain = self._findings.gain
        self.affinity = self._findings.affinity
        self.importance = self._findings.importance
        self.verdict = " ".join(self._findings.verdict).strip()

    def to_frame(self):
        """One row a task.

        Returns
        -------
        frame : DataFrame
            Indexed by the keys of :func:`~skmtl.task_scores`. Columns: "type", "labels" and
            "coverage" (how many labels are observed, and which share), "score" on the data
            given, "rank" (1 is the best score). With ``cv`` also "cv_score" and "cv_std", mean
            and standard deviation over folds, which the rank then is of; "gain", "gain_low" and
            "gain_high", and "sharing", what these say: "helps", "harms", "unclear",
            "unlearned" where neither way predicts better than a constant or, without an
            interval, "unknown". "explained" is the share of the loss of the best constant that
            is gone on unseen rows, with "explained_low" and "explained_high": all folds
            together, where "cv_score" is a mean of folds. In units of the labels, on unseen
            rows where there are some: "mae", the mean absolute error of numbers; "accuracy" of
            classes and "roc_auc" of two; NaN where a measure is not for a task.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas") from error

        return pd.DataFrame(
            columns(self._findings), index=[task.key for task in self._findings.tasks]
        )

    @property
    def overall(self):
        """Mean over the tasks of "score" and, with ``cv``, of "cv_score" and "gain"; a dict."""
        return summarise(self._findings, "overall")

    @property
    def best(self):
        """Highest value of a task, of the same; a dict."""
        return summarise(self._findings, "best")

    @property
    def worst(self):
        """Lowest value of a task, of the same; a dict."""
        return summarise(self._findings, "worst")

    @property
    def difference(self):
        """Best less worst, of the same; a dict."""
        return summarise(self._findings, "difference")

    def to_html(self, path=None):
        """The page.

        Parameters
        ----------
        path : str, path or None, default=None
            File to write, by default none.

        Returns
        -------
        page : str or None
            The page, if ``path`` is None.
        """
        page = build_page(self._findings)
        if path is None:
            return page
        Path(path).write_text(page, encoding="utf-8", newline="\n")
        return None

    def __repr__(self):
        said = [
            f"{type(self).__name__} of {plural(len(self._findings.tasks), 'task')}. {self.verdict}"
        ]
        measures = {name: value for name, value in self.overall.items() if np.isfinite(value)}
        said += [
            f"{name}: mean {number(value)}, {number(self.worst[name])} to {number(self.best[name])}"
            for name, value in measures.items()
        ]
        return "\n".join([*said, "to_html() is the page, to_frame() has a line for each task."])

    def _repr_html_(self):
        # In a frame of its own neither its style nor its ids meet those of the notebook, or of
        # another report.
        page = build_page(self._findings).replace("&", "&amp;").replace("'", "&#39;")
        return (
            "<iframe title='Multi-task report' sandbox='allow-scripts' width='100%' height='640' "
            f"style='border: 1px solid #888; border-radius: 4px' srcdoc='{page}'></iframe>"
        )
