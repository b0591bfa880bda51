r"""How probable it was that a label is observed, and what a label then counts for others like it.

Where labels are missing depending on X, the observed ones are no sample of all. With the propensity
:math:`\pi_t(x)`, the probability that the label of task t is observed in a row x, a label weighs

.. math:: w_{ti} \propto \min\left( \frac{1}{\pi_t(x_i)}, \frac{\sqrt{n_t}}{n_t}
          \sum_{j \text{ observed}} \frac{1}{\pi_t(x_j)} \right),

which makes weighted means those of all rows [1]_ [2]_. No label counts more than :math:`\sqrt{n_t}`
times the mean of all :math:`n_t`, which keeps the variance finite [3]_. Propensities are predicted
by models that did not see the row, and calibrated: an error in one is an error in a weight.

References
----------
.. [1] R. J. A. Little and D. B. Rubin, "Statistical analysis with missing data", 3rd edition, Wiley
   2019, section 3.3.
.. [2] T. Schnabel, A. Swaminathan, A. Singh, N. Chandak and T. Joachims, "Recommendations as
   treatments: debiasing learning and evaluation", ICML 2016, eq. 6.
.. [3] E. L. Ionides, "Truncated importance sampling", Journal of Computational and Graphical
   Statistics 17, 2008, theorem 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl._warnings import chosen_alpha, known_labels
from skmtl.linear import MultiTaskLinearClassifierCV
from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._calibrated_tasks import CalibratedTasks

Array = NDArray[Any]


def default_estimator(*, is_long: bool) -> Any:
    """Logistic regressions, as alike as held-out rows find them.

    Of simulated gaps in 1,000 rows, as in the tests, logarithms of the weights have a correlation
    of .997 with those of the true propensities; with the penalty "auto" .98, with "l2" .95.

    Features count alike, unless one of them names the task.
    """
    model = MultiTaskLinearClassifierCV("mean_deviation", alphas=10, eps=1e-4, cv=3)
    return model if is_long else make_pipeline(StandardScaler(with_mean=False), model)


@dataclass(frozen=True, eq=False)
class Propensities:
    """``model`` of whether labels are observed, of the ``columns`` of y where any are missing.

    ``means`` and ``most`` (n_tasks,) are those of the inverse propensities of observed labels;
    ``weights`` (n_samples, n_columns) are those of the labels in `fit`, 0 where unobserved.
    """

    model: Any
    columns: list[int]
    means: Array
    most: Array
    weights: Array

    @classmethod
    def fit(cls, estimator: Any, X: Any, targets: Targets, options: dict[str, Any]) -> Self:
        """Learn which labels are observed; X is that of the caller, the task feature included."""
        observed = targets.weights.reshape(len(targets.weights), -1) > 0
        columns = np.flatnonzero(observed.any(axis=0) & ~observed.all(axis=0)).tolist()
        inverse = np.ones(observed.shape)
        model = None
        if columns:
            model = CalibratedTasks(estimator, "platt", tasks="binary", **options)
            mask = observed[:, columns].astype(float)
            with known_labels(), chosen_alpha():
                model.fit(X, mask[:, 0] if targets.weights.ndim == 1 else mask)
            inverse[:, columns] = _inverse(model, model.out_of_fold_, X)
        means, most = np.ones(targets.tasks.n_tasks), np.full(targets.tasks.n_tasks, np.inf)
        for t, (rows, k) in enumerate(_observed_of_tasks(observed, targets)):
            if len(rows):
                means[t] = inverse[rows, k].mean()
                most[t] = np.sqrt(len(rows))
        found = cls(model, columns, means, most, inverse)
        weights = np.where(observed, found.scaled(inverse, targets.task_index), 0.0)
        return replace(found, weights=weights)

    def of_rows(self, X: Any, n_columns: int, task_index: Array | None) -> Array:
        """Weights (n_samples, n_columns) that labels of these rows would have had."""
        inverse = np.ones((X.shape[0], n_columns))
        if self.model is not None:
            found = self.model.predict_proba(X)
            found = found if isinstance(found, list) else [found]
            inverse[:, self.columns] = _inverse(self.model, found, X)
        return self.scaled(inverse, task_index)

    def scaled(self, inverse: Array, task_index: Array | None) -> Array:
        """Inverse propensities over the mean of the task, as large as it allows."""
        if task_index is None:
            return np.minimum(inverse / self.means, self.most)
        means = np.append(self.means, self.means.mean())[task_index]
        most = np.append(self.most, np.inf)[task_index]
        return np.minimum(inverse[:, 0] / means, most)[:, None]


def _observed_of_tasks(observed: Array, targets: Targets) -> list[tuple[Array, int]]:
    """Rows with a label of each task, and the column it is in."""
    if targets.task_index is None:
        return [(np.flatnonzero(column), k) for k, column in enumerate(observed.T)]
    index = np.where(observed[:, 0], targets.task_index, -1)
    return [(rows, 0) for rows in rows_by_task(index, targets.tasks.n_tasks)]


def _inverse(model: Any, probabilities: list[Array], X: Any) -> Array:
    """One over the probability of being observed; of the model of all where none is held out."""
    observed = np.column_stack([p[:, 1] for p in probabilities])
    if not np.isfinite(observed).all():
        found = model.predict_proba(X)
        found = found if isinstance(found, list) else [found]
        of_all = np.column_stack([p[:, 1] for p in found])
        observed = np.where(np.isfinite(observed), observed, of_all)
    return 1.0 / np.maximum(observed, np.finfo(float).tiny)
