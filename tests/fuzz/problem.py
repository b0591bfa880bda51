"""One problem: plain data, what an estimator is told, and the containers it gets them in."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tests.fuzz.containers import HAVE_NAMES, NAMED, X_CONTAINERS, Y_CONTAINERS, with_task_names
from tests.fuzz.labels import TIMES, TYPES
from tests.registry import EVERY, kind_of

LINEAR = {"linear", "linear-trace", "linear-regressor", "linear-classifier"}
LINEAR_CV = {"linear-cv", "linear-regressor-cv", "linear-classifier-cv"}
TWINS = {"lasso", "elastic-net"}
TWINS_CV = {"lasso-cv", "elastic-net-cv"}
NETWORKS = {"mlp", "mlp-regressor", "mlp-classifier"}
NETWORKS_CV = {"mlp-cv", "mlp-regressor-cv", "mlp-classifier-cv"}
# What is made of an estimator and of what it says of rows held out.
HOLD_OUT = {"calibrated", "thresholds", "propensity", "conformal"}
# What draws or cuts rows by their position.
BY_ROW = {*LINEAR_CV, *TWINS_CV, *NETWORKS, *NETWORKS_CV, *HOLD_OUT, "chain", "stacking"}
# Whose tasks are in an order (chains), or start by their place (networks).
BY_TASK = {*NETWORKS_CV, "chain"}
# Whose numbers are those of scikit-learn's estimators.
LEND_NUMBERS = {"independent", "pooled", "chain", "stacking"}
# What leaves out a row, but not its copies.
BY_CASE = {"kernel-ridge-cv"}


@dataclass(frozen=True)
class Problem:
    """A column of ``labels`` is a task in wide form; in long form ``groups`` tells tasks apart.

    ``labels`` (n_rows, n_columns) are Python objects, None where unobserved. ``declared`` has a
    task type or "auto" for each column, ``task_weight`` a number for each task or None.
    """

    seed: int
    index: int
    name: str
    options: dict
    X: np.ndarray
    labels: np.ndarray
    declared: tuple
    names: tuple
    groups: np.ndarray | None = None
    weight: np.ndarray | None = None
    task_weight: tuple | str | None = None
    is_1d: bool = False
    around_network: bool = False
    x_as: str = "array"
    y_as: str = "object"
    tags: tuple = ()

    def changed(self, **changes):
        """The same problem but for some fields."""
        return replace(self, **changes)

    def with_options(self, **options):
        """The same problem with other parameters of the estimator."""
        return self.changed(options={**self.options, **options})

    def __str__(self):
        shape = f"{self.X.shape[0]} x {self.X.shape[1]}, {len(self.names)} tasks"
        form = "long" if self.is_long else "wide"
        weight = "none" if self.weight is None else str(self.weight.shape)
        around = " around a network" if self.around_network else ""
        return (
            f"{self.name}({self.options}){around} on {shape}, {form}; declared {self.declared}, "
            f"X as {self.x_as}, y as {self.y_as}, weight {weight}, task_weight {self.task_weight}; "
            f"{', '.join(self.tags)}"
        )

    @property
    def is_long(self):
        return self.groups is not None

    @property
    def n_rows(self):
        return len(self.X)

    @property
    def n_tasks(self):
        return len(self.names)

    @cached_property
    def cells(self):
        """Weight of every label (n_rows, n_columns), 0 where unobserved."""
        observed = np.array([[v is not None for v in row] for row in self.labels], dtype=float)
        weight = 1.0 if self.weight is None else self.weight.reshape(self.n_rows, -1)
        return observed * weight

    @cached_property
    def labels_of_tasks(self):
        """Number of labels with weight of each task."""
        used = self.cells > 0
        if self.is_long:
            return np.bincount(self.groups, used[:, 0], self.n_tasks).astype(int)
        return used.sum(axis=0)

    @cached_property
    def is_silent(self):
        """Mask of the predictions (n_rows, n_columns) that may be NaN: nothing to learn them from.

        Numbers without labels, and times of which none is that of an event.
        """
        if self.is_long:
            found = (self.labels_of_tasks == 0)[self.groups][:, None]
            if self.name == "independent":
                # Each task learns of its own labels alone.
                own = [self.has_event(0, self.groups == g) for g in range(self.n_tasks)]
                found = found | ~np.array(own)[self.groups][:, None]
        else:
            found = np.broadcast_to(self.labels_of_tasks == 0, self.labels.shape)
        return found | [not self.has_event(t) for t in range(self.labels.shape[1])]

    def has_event(self, t, rows=True):
        """Whether a column has an event among some rows, or labels that are no times."""
        used = self.labels[(self.cells[:, t] > 0) & rows, t]
        return self.declared[t] not in TIMES or any(time > 0 for time in used)

    @property
    def is_weighed(self):
        """Whether classes weigh on what their labels count."""
        return "class_weight" in self.options or "weighed" in self.declared

    @property
    def has_times(self):
        """Whether labels are times of events."""
        return bool(TIMES & set(self.declared))

    # -- what the estimator gets ----------------------------------------------------------------

    @property
    def given_X(self):
        if not self.is_long:
            return X_CONTAINERS[self.x_as](self.X)
        if self.names_tasks:
            return with_task_names(self.x_as, self.X, [f"task {t}" for t in self.groups])
        return X_CONTAINERS[self.x_as](np.column_stack([self.groups, self.X]))

    @property
    def names_tasks(self):
        """Whether tasks have names, in long form."""
        return self.is_long and self.x_as in HAVE_NAMES

    @property
    def given_y(self):
        one = self.is_1d or self.is_long
        return Y_CONTAINERS[self.y_as](self.labels, None if one else self.names)

    @property
    def given_weight(self):
        return {} if self.weight is None else {"sample_weight": self.weight.copy()}

    @property
    def parameters(self):
        """Options with what depends on the tasks."""
        found = dict(self.options)
        if any(kind != "auto" for kind in self.declared):
            one = self.is_1d or self.is_long
            types = [TYPES.get(d, d) for d in self.declared]
            found["tasks"] = types[0] if one else types
            if not one and self.by_name:
                found["tasks"] = dict(zip(self.names, types, strict=True))
        if self.task_weight is not None:
            weight = self.task_weight
            found["task_weight"] = weight if isinstance(weight, str) else list(weight)
            if self.by_name and not isinstance(weight, str):
                found["task_weight"] = dict(zip(self.names, weight, strict=True))
        if self.is_long:
            found["task_feature"] = "task" if self.names_tasks else 0
        return found

    @property
    def by_name(self):
        """Whether what belongs to tasks is given by name."""
        one = self.is_1d or self.is_long
        return self.y_as in NAMED and not one and self.index % 2 == 0

    @property
    def has_network(self):
        """Whether networks learn."""
        return self.name in NETWORKS | NETWORKS_CV or self.around_network

    def estimator(self):
        found = EVERY[self.name](**self.parameters)
        if self.around_network:
            network = "mlp-classifier" if kind_of(self.name) == "classification" else "mlp"
            found.set_params(estimator=EVERY[network](max_iter=3))
        return found
