"""Drawing a problem: rows, labels, what is missing, weights and containers."""

import numpy as np

from tests.fuzz.containers import X_CONTAINERS, Y_CONTAINERS, has_text
from tests.fuzz.halves import draw_name
from tests.fuzz.labels import HAVE_LOG_LINKS, HAVE_TIMES, STYLES, draw_labels
from tests.fuzz.parameters import draw_options
from tests.fuzz.problem import HOLD_OUT, TWINS, TWINS_CV, Problem
from tests.registry import EVERY, kind_of


def draw(seed, index, half="linear", only=None):
    """Problem number ``index`` of a half; ``only`` names the estimators to draw from."""
    rng = np.random.default_rng([seed, index])
    name = draw_name(rng, half, only)
    tags = []
    X = draw_rows(rng, tags)
    is_long = name not in TWINS | TWINS_CV and rng.random() < 0.3
    n_tasks = int(rng.choice([1, 2, 3, 4, 6], p=[0.2, 0.25, 0.25, 0.2, 0.1]))
    groups = rng.integers(n_tasks, size=len(X)) if is_long else None
    if is_long:
        _, groups = np.unique(groups, return_inverse=True)
        n_tasks = int(groups.max()) + 1
    styles = draw_styles(rng, name, 1 if is_long else n_tasks)
    labels, declared = draw_labels(rng, X, styles, groups, tags)
    draw_missing(rng, labels, groups, tags)
    weight = draw_weight(rng, labels.shape, tags)
    is_1d = not is_long and n_tasks == 1 and name not in TWINS | TWINS_CV and rng.random() < 0.5
    x_as, y_as = draw_containers(rng, labels, is_1d or is_long)
    if (np.round(X) == X).all() and np.abs(X).max() < 2**31 and rng.random() < 0.5:
        x_as = "integers"
    if x_as == "float32":
        X = X.astype(np.float32).astype(float)
    takes_task_weight = hasattr(EVERY[name](), "task_weight")
    problem = Problem(
        seed=seed,
        index=index,
        name=name,
        around_network=half == "neural" and name in HOLD_OUT,
        options={},
        X=X,
        labels=labels,
        declared=declared,
        names=tuple(range(n_tasks)) if is_long else tuple(f"t{t}" for t in range(n_tasks)),
        groups=groups,
        weight=weight,
        task_weight=draw_task_weight(rng, n_tasks) if takes_task_weight else None,
        is_1d=is_1d,
        x_as=x_as,
        y_as=y_as,
        tags=tuple(tags),
    )
    return problem.changed(options=draw_options(rng, problem))


def draw_rows(rng, tags):
    """X with few rows or many, of any scale, with columns that repeat or do not vary."""
    n, p = int(rng.integers(1, 41)), int(rng.integers(1, 13))
    if rng.random() < 0.1:
        n = int(rng.integers(1, 4))
    X = rng.normal(size=(n, p))
    if rng.random() < 0.15:
        X = rng.integers(-2, 3, size=(n, p)).astype(float)
    if rng.random() < 0.2:
        X[:, rng.integers(p)] = 1.0 if rng.random() < 0.5 else 0.0
        tags.append("constant column")
    if p > 1 and rng.random() < 0.2:
        X[:, 0] = X[:, 1:] @ rng.integers(-1, 2, size=p - 1)
        tags.append("collinear")
    if rng.random() < 0.15:
        X += 10.0 ** rng.uniform(0, 4)
        tags.append("large mean")
    if rng.random() < 0.25:
        X *= 10.0 ** rng.uniform(-8, 8)
        tags.append("scaled X")
    if n > 2 and rng.random() < 0.15:
        X = X[rng.integers(n // 2, size=n)]
        tags.append("repeated rows")
    return X


def draw_styles(rng, name, n_columns):
    """Style of the labels of each column."""
    allowed = {
        "any": list(STYLES),
        "regression": [s for s in STYLES if not STYLES[s].has_classes],
        "classification": [s for s in STYLES if STYLES[s].has_classes],
    }[kind_of(name)]
    if kind_of(name) == "regression":
        # Squared loss only, or one that is declared and twins cannot be told.
        squared = name in TWINS | TWINS_CV | {
            "reduced-rank",
            "bayesian-linear",
            "gaussian-process",
            "kernel-ridge",
        }
        others = {"huber", "absolute", "quantiles", "one_level", *HAVE_TIMES} if squared else set()
        allowed = [s for s in allowed if s not in {*HAVE_LOG_LINKS, *others}]
    share = np.array([STYLES[s].share for s in allowed])
    same = rng.random() < 0.4
    found = rng.choice(allowed, size=1 if same else n_columns, p=share / share.sum())
    return [str(s) for s in found] * (n_columns if same else 1)


def draw_missing(rng, labels, groups, tags):
    """Take labels away: here and there, whole rows, a whole task, all but one, but not all."""
    kept = labels.copy()
    n, n_columns = labels.shape
    if rng.random() < 0.6:
        labels[rng.random(labels.shape) < rng.uniform(0.3, 0.8)] = None
        tags.append("missing")
    if rng.random() < 0.15:
        labels[rng.random(n) < 0.3] = None
        tags.append("empty rows")
    several = n_columns > 1 or groups is not None
    if several and rng.random() < 0.12:
        t = rng.integers(n_columns)
        labels[:, t] = None if groups is None else np.where(groups == 0, None, labels[:, t])
        tags.append("empty task")
    if several and rng.random() < 0.1:
        t = rng.integers(n_columns)
        rows = np.arange(n) if groups is None else np.flatnonzero(groups == groups[0])
        labels[rows[1:], t] = None
        tags.append("single label")
    if all(v is None for v in labels.ravel()):
        labels[0] = kept[0]


def draw_weight(rng, shape, tags):
    """None, one a row or one a label, with zeros or whole numbers."""
    kind = rng.choice(["none", "uniform", "zeros", "whole"], p=[0.55, 0.15, 0.15, 0.15])
    if kind == "none":
        return None
    tags.append(f"{kind} weights")
    if rng.random() < 0.5:
        shape = shape[:1]
    weight = rng.uniform(0.1, 3.0, size=shape)
    if kind == "whole":
        weight = rng.integers(1, 4, size=shape).astype(float)
    if kind == "zeros":
        weight *= rng.random(shape) > 0.3
    if not weight.any():
        weight[0] = 1.0
    return weight[:, 0] if weight.shape[1:] == (1,) else weight


def draw_task_weight(rng, n_tasks):
    """None, "labels", or numbers of which some may be 0."""
    kind = rng.choice(["none", "labels", "some", "zero"], p=[0.75, 0.08, 0.12, 0.05])
    if kind in ("none", "labels"):
        return None if kind == "none" else "labels"
    weight = rng.uniform(0.2, 3.0, size=n_tasks)
    if kind == "zero" and n_tasks > 1:
        weight[rng.integers(n_tasks)] = 0.0
    return tuple(weight.tolist())


def draw_containers(rng, labels, is_1d):
    """Names of the containers of X and y."""
    x_as = "array" if rng.random() < 0.4 else str(rng.choice(list(X_CONTAINERS)[1:-1]))
    allowed = set(Y_CONTAINERS)
    if is_1d or has_text(labels):
        allowed.discard("structured")
    return x_as, str(rng.choice(sorted(allowed)))
