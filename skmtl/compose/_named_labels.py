"""Labels that were read before, as y for another estimator."""

import numpy as np

from skmtl.tasks._columns import EXACT_INTEGERS


class NamedLabels(np.ndarray):
    """A 2-D y whose ``columns`` have names, as those of a DataFrame, without such a library."""

    columns = None

    @classmethod
    def of(cls, labels, names):
        """Labels (n_samples, n_tasks), and the names of the tasks."""
        labels = labels.view(cls)
        labels.columns = list(names)
        return labels

    def __getitem__(self, key):
        found = super().__getitem__(key)
        if not isinstance(found, NamedLabels) or found.ndim != 2:
            return np.asarray(found) if np.ndim(found) else found
        names = np.empty(len(self.columns), dtype=object)
        names[:] = self.columns
        is_pair = isinstance(key, tuple) and len(key) == 2
        return NamedLabels.of(found, names[key[1]] if is_pair else names)

    def __reduce__(self):
        return NamedLabels.of, (np.asarray(self), self.columns)


def labels_of(targets):
    """The labels as the user wrote them: NaN or None where unobserved, names where 2-D."""
    values, weights = (a.reshape(len(a), -1).T for a in (targets.values, targets.weights))
    columns = [
        _labels(task, value, weight > 0)
        for task, value, weight in zip(targets.tasks.tasks, values, weights, strict=True)
    ]
    if targets.values.ndim == 1:
        return columns[0]
    return NamedLabels.of(np.column_stack(columns), targets.tasks.names.tolist())


def _labels(task, values, observed):
    labels = task.labels(np.where(observed, values, 0.0))
    if labels.dtype.kind in "biu" and np.abs(task.classes_.astype(float)).max() > EXACT_INTEGERS:
        labels = labels.astype(object)
    return np.where(observed, labels, None if labels.dtype.kind == "O" else np.nan)
