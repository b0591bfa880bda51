"""The objective of the linear estimators, written out once more, plainly.

Smooth part and penalties are functions of the parts V (n_parts, p, C) of W, of w0 (p, C / T) and
of the intercepts b (C,), in the units in which the fit sees the labels.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logsumexp, softmax, xlogy

from skmtl.linear.objective._parameters import penalty_meant
from skmtl.linear.penalties import L2, PENALTIES, MeanDeviation
from tests.fuzz.labels import TIMES

VANISHING = 1e-12
OTHER_LOSSES = {"one_level", "dispersed", "mostly_zero", "few_hazards", "smooth", "focal"}
DELTA = 1.35
LEVELS = np.array([0.1, 0.5, 0.9])


@dataclass
class Column:
    """Labels of one wide column, or of the long one, with what each counts."""

    kind: str
    values: np.ndarray
    cells: np.ndarray
    n_outputs: int
    location: float = 0.0
    scale: float = 1.0


@dataclass
class Objective:
    """F(W, b) + alpha Omega(V) + sigma T / 2 |w0|^2 + iota / 2 |b - mean b|^2."""

    X: np.ndarray
    columns: list
    groups: np.ndarray | None
    n_tasks: int
    alpha: float
    parts: list
    center: bool
    shared_alpha: float
    fit_intercept: bool
    intercept_alpha: float
    positive: bool
    shape: tuple = field(default=())

    def outputs(self, array):
        """(.., C) as (.., T, C / T)."""
        return array.reshape(*array.shape[:-1], self.n_tasks, -1)

    def coefficients(self, V, w0):
        W = V.sum(axis=0)
        return W + np.tile(w0, self.n_tasks) if self.center else W

    def scores(self, W, b):
        """Raw scores: a list with (n, outputs) for each column."""
        raw = self.X @ W + b
        if self.groups is not None:
            return [self.outputs(raw)[np.arange(len(raw)), self.groups]]
        ends = np.cumsum([column.n_outputs for column in self.columns])[:-1]
        return np.split(raw, ends, axis=1)

    def loss(self, W, b):
        total = 0.0
        for column, f in zip(self.columns, self.scores(W, b), strict=True):
            used = column.cells > 0
            total += column.cells[used] @ LOSSES[column.kind](f[used], column.values[used])
        if self.fit_intercept and 0 < self.intercept_alpha < np.inf:
            by_task = self.outputs(b)
            total += 0.5 * self.intercept_alpha * ((by_task - by_task.mean(axis=0)) ** 2).sum()
        return float(total)

    def gradient(self, W, b):
        """Gradient of `loss`."""
        slopes = []
        for column, f in zip(self.columns, self.scores(W, b), strict=True):
            slopes.append(column.cells[:, None] * SLOPES[column.kind](f, column.values))
        if self.groups is None:
            R = np.concatenate(slopes, axis=1)
        else:
            R = np.zeros((len(self.X), self.n_tasks, slopes[0].shape[1]))
            R[np.arange(len(R)), self.groups] = slopes[0]
            R = R.reshape(len(R), -1)
        gW, gb = self.X.T @ R, R.sum(axis=0)
        if self.fit_intercept and 0 < self.intercept_alpha < np.inf:
            by_task = self.outputs(b)
            gb = gb + self.intercept_alpha * (by_task - by_task.mean(axis=0)).ravel()
        return gW, gb

    def penalty(self, V):
        return self.alpha * sum(
            atom.weight * value_of(atom, self.seen(atom, part, v))
            for part, v in zip(self.parts, V, strict=True)
            for atom in part
        )

    def seen(self, atom, part, V):
        """V with a column per task for penalties that compare tasks, as they are documented."""
        n_classes = V.shape[1] // self.n_tasks
        if not getattr(atom, "over_tasks", False) or n_classes == 1:
            return V
        return self.outputs(V).swapaxes(1, 2).reshape(-1, self.n_tasks)

    def back(self, atom, V):
        """The inverse of `seen`."""
        if V.shape == self.shape:
            return V
        return V.reshape(self.shape[0], -1, self.n_tasks).swapaxes(1, 2).reshape(self.shape)

    def value(self, V, w0, b):
        return self.loss(self.coefficients(V, w0), b) + self.penalty(V) + self.of_shared(w0)

    def of_shared(self, w0):
        return 0.5 * self.shared_alpha * self.n_tasks * float((w0**2).sum())


def value_of(atom, W):
    """Value of an atom of weight 1."""
    name = type(atom).__name__
    if name == "L21" and atom.axis == "tasks":
        return np.sqrt((W**2).sum(axis=0)).sum()
    if name == "Clustered":
        return atom.value(W) / atom.weight  # itself a minimisation: taken as it is
    if name == "Graph":
        A = np.asarray(atom.adjacency, dtype=float)
        return 0.25 * sum(
            A[s, t] * ((W[:, s] - W[:, t]) ** 2).sum() for s in range(len(A)) for t in range(len(A))
        )
    return VALUES[name](W)


VALUES = {
    "L2": lambda W: 0.5 * (W**2).sum(),
    "L1": lambda W: np.abs(W).sum(),
    "L21": lambda W: np.sqrt((W**2).sum(axis=1)).sum(),
    "L1Inf": lambda W: np.abs(W).max(axis=1).sum(),
    "TraceNorm": lambda W: np.linalg.svd(W, compute_uv=False).sum(),
    "SquaredTraceNorm": lambda W: 0.5 * np.linalg.svd(W, compute_uv=False).sum() ** 2,
    "MeanDeviation": lambda W: 0.5 * ((W - W.mean(axis=1, keepdims=True)) ** 2).sum(),
    "Temporal": lambda W: 0.5 * (np.diff(W, axis=1) ** 2).sum(),
    "Fused": lambda W: np.abs(np.diff(W, axis=1)).sum(),
}
LOSSES = {
    "regression": lambda f, y: 0.5 * (f[:, 0] - y) ** 2,
    "huber": lambda f, y: np.where(
        np.abs(f[:, 0] - y) <= DELTA,
        0.5 * (f[:, 0] - y) ** 2,
        DELTA * np.abs(f[:, 0] - y) - 0.5 * DELTA**2,
    ),
    "absolute": lambda f, y: np.abs(f[:, 0] - y),
    "quantile": lambda f, y: np.maximum(
        LEVELS * (y[:, None] - f), (LEVELS - 1.0) * (y[:, None] - f)
    ).mean(axis=1),
    "count": lambda f, y: np.exp(f[:, 0]) - y * f[:, 0] + xlogy(y, y) - y,
    "gamma": lambda f, y: y * np.exp(-f[:, 0]) + f[:, 0] - np.log(y) - 1.0,
    "tweedie": lambda f, y: (
        2.0 * y * np.exp(-0.5 * f[:, 0]) + 2.0 * np.exp(0.5 * f[:, 0]) - 4.0 * np.sqrt(y)
    ),
    "binary": lambda f, y: np.logaddexp(0.0, f[:, 0]) - y * f[:, 0],
    "multiclass": lambda f, y: logsumexp(f, axis=1) - f[np.arange(len(f)), y.astype(int)],
}
SLOPES = {
    "regression": lambda f, y: f - y[:, None],
    "huber": lambda f, y: np.clip(f - y[:, None], -DELTA, DELTA),
    "absolute": lambda f, y: np.sign(f - y[:, None]),
    "quantile": lambda f, y: ((f > y[:, None]) - LEVELS) / len(LEVELS),
    "count": lambda f, y: np.exp(f) - y[:, None],
    "gamma": lambda f, y: 1.0 - y[:, None] * np.exp(-f),
    "tweedie": lambda f, y: np.exp(0.5 * f) - y[:, None] * np.exp(-0.5 * f),
    "binary": lambda f, y: expit(f) - y[:, None],
    "multiclass": lambda f, y: softmax(f, axis=1) - np.eye(f.shape[1])[y.astype(int)],
}


def objective_of(outcome):
    """The objective of a fitted linear model and its (V, w0, b); None if nothing was learned."""
    problem, model = outcome.problem, outcome.model
    if problem.is_weighed or set(problem.declared) & OTHER_LOSSES:
        # What these change is in tests of their own.
        return None
    if problem.options.get("intercept_alpha") == "auto" and model.intercept_alpha_:
        # Intercepts are compared at an origin that is chosen, too.
        return None
    columns, kept, learned, scale, location = _columns(problem, model)
    if not learned.any() or any(
        column.kind in {"ordinal", "negative_binomial", *TIMES} for column in columns
    ):
        # What such tasks learn beside coefficients is in tests of their own.
        return None
    n_tasks = int(kept.sum())
    groups = problem.groups
    if groups is not None:
        groups = (np.cumsum(kept) - 1)[groups]
    penalty = penalty_of(model).for_tasks(np.flatnonzero(kept), problem.n_tasks)
    given = model.get_params(deep=False)
    shared_alpha = getattr(model, "shared_alpha_", 0.0)
    parts, center = [part.atoms() for part in penalty.parts()], given.get("center", False)
    if shared_alpha and [[type(a) for a in part] for part in parts] == [[MeanDeviation]]:
        # The same as "l2" about a w0, which only then has a ridge of its own.
        parts, center = [[L2(parts[0][0].weight)]], True
    alpha = float(getattr(model, "alpha_", given.get("alpha")))
    found = Objective(
        X=problem.X,
        columns=columns,
        groups=groups,
        n_tasks=n_tasks,
        alpha=alpha,
        parts=parts,
        center=center,
        shared_alpha=shared_alpha if alpha else 0.0,
        fit_intercept=given["fit_intercept"],
        intercept_alpha=getattr(model, "intercept_alpha_", 0.0),
        positive=given.get("positive", False),
        shape=(problem.X.shape[1], int(learned.sum())),
    )
    W = (np.atleast_2d(model.coef_)[learned] / scale[:, None]).T
    b = np.broadcast_to(model.intercept_, learned.shape)[learned]
    b = (b - location) / scale
    return found, parameters_of(model, found, W, b, learned, scale)


def penalty_of(model):
    """Penalty of a linear estimator or of a twin."""
    if hasattr(model, "penalty"):
        penalty = penalty_meant(model)
        return PENALTIES[penalty]() if isinstance(penalty, str) else penalty
    ratio = getattr(model, "l1_ratio_", None)
    ratio = model.l1_ratio if ratio is None else ratio
    return type(PENALTIES["elastic_net"]())(ratio)


def parameters_of(model, objective, W, b, learned, scale):
    """Parts, shared part and intercepts of the fit, in the units of the objective."""
    n_classes = W.shape[1] // objective.n_tasks
    w0 = np.zeros((len(W), n_classes))
    if objective.center:
        w0 = np.atleast_2d(model.shared_coef_).T / (scale[0] if objective.groups is not None else 1)
    parts = [W - np.tile(w0, objective.n_tasks) if objective.center else W]
    if len(objective.parts) > 1:
        parts = (model.coef_components_[:, learned] / scale[None, :, None]).swapaxes(1, 2)
    return np.array(parts), w0, b


def _columns(problem, model):
    """Columns that are learned, which tasks are kept, which outputs, and their units."""
    kinds = [
        task.loss if getattr(task, "loss", "") in ("huber", "absolute") else task.alias
        for task in model.tasks_
    ]
    if problem.is_long:
        kinds = kinds[:1]
    standardize = getattr(model, "scale_targets", False)
    if standardize == "auto":
        standardize = len({type(task) for task in model.tasks_}) > 1
    omega = _task_weights(problem)
    columns, learned, scales, locations = [], [], [], []
    classes = getattr(model, "classes_", None)
    for t, kind in enumerate(kinds):
        known = None if classes is None else classes if _is_single(problem) else classes[t]
        column, n_outputs = _column(
            problem, t, kind, known, standardize, model.fit_intercept, omega
        )
        if problem.is_long:
            is_kept = problem.labels_of_tasks > 0
            learned = np.repeat(is_kept & (n_outputs > 0), n_outputs)
            scales, locations = (
                np.full(int(learned.sum()), unit) for unit in (column.scale, column.location)
            )
            return [column], is_kept, learned, scales, locations
        is_kept = problem.labels_of_tasks[t] > 0 and n_outputs > 0
        learned += [is_kept] * n_outputs
        if is_kept:
            columns.append(column)
            scales += [column.scale] * n_outputs
            locations += [column.location] * n_outputs
    sizes = [c.n_outputs for c in columns]
    kept = np.array(
        [
            problem.labels_of_tasks[t] > 0
            and problem.has_event(t)
            and (kinds[t] not in ("binary", "multiclass", "ordinal") or _n_classes(problem, t) > 1)
            for t in range(len(kinds))
        ]
    )
    assert kept.sum() == len(sizes)
    return columns, kept, np.array(learned, dtype=bool), np.array(scales), np.array(locations)


def _is_single(problem):
    return problem.is_1d or problem.is_long


def _n_classes(problem, t):
    used = problem.cells[:, t] > 0
    return len(set(problem.labels[used, t].tolist()))


def _column(problem, t, kind, classes, standardize, moved, omega):
    weight = problem.cells[:, t]
    used = weight > 0
    values = np.zeros(problem.n_rows)
    location, scale = 0.0, 1.0
    if kind in ("binary", "multiclass", "ordinal"):
        where = {label: k for k, label in enumerate(np.asarray(classes).tolist())}
        values[used] = [where[label] for label in problem.labels[used, t]]
        n_outputs = 0 if len(where) < 2 else len(where) if kind == "multiclass" else 1
    else:
        values[used] = problem.labels[used, t].astype(float)
        # Without an event nothing is learned of times.
        n_outputs = len(LEVELS) if kind == "quantile" else int(problem.has_event(t))
        numbers = ("regression", "huber", "absolute", "quantile")
        if standardize and kind in numbers and used.any():
            share = weight / weight.sum()
            # Without intercepts nothing is moved.
            location = float(share @ values) if moved else 0.0
            spread = np.sqrt(share @ (values - location) ** 2)
            scale = spread if spread > 1e-14 * np.abs(values).max() else 1.0
            values = np.where(used, (values - location) / scale, 0.0)
    if problem.is_long:
        total = np.bincount(problem.groups, weight, problem.n_tasks)
        share = np.divide(omega, total, out=np.zeros_like(total), where=total > 0)
        cells = weight * share[problem.groups]
    else:
        cells = weight * (omega[t] / weight.sum() if used.any() else 0.0)
    if kind == "tweedie" and used.any():
        # Divided by the power 2 - p of the mean label, the loss has no unit.
        cells = cells / (np.sqrt((weight / weight.sum()) @ values) or 1.0)
    return Column(kind, values, cells, n_outputs, location, scale), n_outputs


def _task_weights(problem):
    if problem.is_long:
        total = np.bincount(problem.groups, problem.cells[:, 0], problem.n_tasks)
    else:
        total = problem.cells.sum(axis=0)
    omega = np.ones(problem.n_tasks)
    if problem.task_weight == "labels":
        omega = np.where(total > 0, total / total[total > 0].mean(), 1.0)
    elif problem.task_weight is not None:
        omega = np.array(problem.task_weight)
    return np.maximum(omega, VANISHING * omega.max())
