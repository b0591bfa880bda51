"""Fits of a linear model along alphas."""

import sys
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from skmtl._innermost import unwrap
from skmtl._warnings import known_labels
from skmtl.inspection.displays._linear import read_coefficients

N_ALPHAS, EPS = 30, 1e-3


@dataclass(frozen=True, eq=False)
class Path:
    """Norms (n_alphas, n_features) along descending alphas, and what cross-validation said."""

    alphas: np.ndarray
    norms: np.ndarray
    alpha: float | None
    scores: np.ndarray | None = None
    score_name: str = "score"


def path_of(estimator, X, y, alphas, sample_weight, caller):
    """The `Path` of an estimator with ``alpha``, or of one that chose it."""
    estimator, X = unwrap(estimator, X)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    if hasattr(estimator, "alphas_"):
        model, own, scores, name = _searched(estimator)
        chosen: float | None = float(estimator.alpha_)
        if alphas is None:
            alphas = own
        elif not np.array_equal(alphas, own):
            scores = None
    elif "alpha" in estimator.get_params():
        model, scores, name = clone(estimator), None, "score"
        used = getattr(estimator, "alpha_", estimator.alpha)
        chosen = None if isinstance(used, str) else used
        if alphas is None:
            alphas = _default_alphas(model, X, y, weights)
    else:
        raise TypeError(
            f"{caller} needs a linear estimator with a parameter alpha, or one that chose it by "
            f"cross-validation and is fitted; got {type(estimator).__name__}."
        )
    alphas = np.sort(np.asarray(alphas, dtype=float))[::-1]
    norms = _norms(model, X, y, alphas, weights, caller)
    return Path(alphas, norms, chosen, scores, name)


def _norms(model, X, y, alphas, weights, caller):
    """Norms of the features' coefficients (n_alphas, n_features), each fit from the one before."""
    if "warm_start" in model.get_params():
        model.set_params(warm_start=True)
    norms = []
    for alpha in alphas.tolist():
        # The fit that was given has warned of these labels.
        with known_labels():
            model.set_params(alpha=alpha).fit(X, y, **weights)
        norms.append(np.linalg.norm(read_coefficients(model, caller)[0], axis=0))
    return np.array(norms)


def _searched(estimator):
    """The model without alpha, the alphas of the search, their scores, and what these are."""
    if hasattr(estimator, "score_path_"):
        best = estimator.best_params_
        row = next(
            k
            for k, params in enumerate(estimator.params_)
            if all(best[name] is value for name, value in params.items())
        )
        alphas = estimator.alphas_ if estimator.alphas_.ndim == 1 else estimator.alphas_[row]
        model = estimator._model(best, estimator._task_set)
        return model, alphas, estimator.score_path_[row], "score"
    alphas, errors = estimator.alphas_, estimator.mse_path_
    if errors.ndim == 3:
        # One path for each share of the mixed norm.
        row = int(np.flatnonzero(np.asarray(estimator.l1_ratio) == estimator.l1_ratio_)[0])
        alphas, errors = alphas if alphas.ndim == 1 else alphas[row], errors[row]
    return _without_search(estimator), alphas, errors, "mean squared error"


def _without_search(estimator):
    """The twin without CV of scikit-learn's naming: ``MultiTaskLasso`` of ``MultiTaskLassoCV``."""
    module, _, _ = type(estimator).__module__.rpartition(".")
    model = getattr(sys.modules[module], type(estimator).__name__.removesuffix("CV"))()
    known = model.get_params(deep=False)
    model.set_params(
        **{name: value for name, value in estimator.get_params().items() if name in known}
    )
    if "l1_ratio" in known:
        model.set_params(l1_ratio=estimator.l1_ratio_)
    return model


def _default_alphas(model, X, y, weights):
    from skmtl.linear.cross_validation._path import PathModel, PathProblem
    from skmtl.linear.estimators._linear import MultiTaskLinear

    if isinstance(model, MultiTaskLinear):
        X, task_column = model._read_X(X, reset=True)
        targets = model._read_y(X, y, task_column, weights.get("sample_weight"))
        X = X.astype(np.float64, copy=False)
        # The same for all fits, as in a search.
        model._choose_strengths(X, targets)
        problem = PathProblem.of_rows(PathModel.of(model), X, targets)
        if problem is not None:
            return problem.alphas(N_ALPHAS, EPS)
    around = 1.0 if isinstance(model.alpha, str) or model.alpha <= 0 else model.alpha
    return around * np.geomspace(100.0, 0.01, N_ALPHAS)
