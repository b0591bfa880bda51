"""Whether a penalty keeps what the linear estimators rely on."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl.linear import MultiTaskLinear, MultiTaskLinearCV, ZeroCoefficientsWarning
from skmtl.linear.penalties import L1, NormAtom, Penalty
from skmtl.tasks import LabelWarning
from skmtl.testing._penalty_atoms import check_atom, expect
from skmtl.testing._penalty_sums import check_in_sums, check_sum

Array = NDArray[Any]
TOL = 1e-6
LIMITS: dict[str, Any] = {"tol": TOL, "max_iter": 20_000, "shared_alpha": 0.0}


def check_penalty(
    penalty: Penalty, *, n_features: int = 4, n_tasks: int = 3, random_state: int = 0
) -> None:
    """Check that a penalty keeps what fits, certificates and searches rely on.

    The value is convex, at least 0 and 0 at W = 0; the prox minimises and is not expansive; the
    conjugate keeps Fenchel's inequality, with equality at subgradients; W = 0 from `alpha_max`
    on; what the attributes say of invariances, of sums and of ``positive=True`` is true; the
    weight is a factor; it can be cloned, pickled, searched, and cut to some of the tasks; small
    fits are certified, and no coefficients nearby are better.

    Parameters
    ----------
    penalty : Penalty
        An object with a positive weight: an atom, a sum or a `Split`.
    n_features : int, default=4
        Number of features, where it must be a certain one.
    n_tasks : int, default=3
        Number of tasks, at least 2.
    random_state : int, default=0
        Seed of the coefficients and data that are tried.

    Raises
    ------
    AssertionError
        For the first property that does not hold; the message names it and the penalty.

    Examples
    --------
    >>> from skmtl.linear.penalties import L21
    >>> from skmtl.testing import check_penalty
    >>> check_penalty(2 * L21())
    >>> class TooStrong(L21):
    ...     def prox(self, W, step):
    ...         return super().prox(W, 2 * step)
    >>> check_penalty(TooStrong())
    Traceback (most recent call last):
        ...
    AssertionError: TooStrong(): prox does not minimise.
    """
    rng = np.random.default_rng(random_state)
    expect(isinstance(penalty, Penalty), penalty, "is not derived from Penalty")
    expect(penalty.weight > 0, penalty, "give it a positive weight to be checked with")
    _check_parameters(penalty, n_features)
    for part in penalty.parts():
        for atom in part.atoms():
            check_atom(atom, n_features, n_tasks, rng)
            check_in_sums(atom, n_features, n_tasks, rng)
        check_sum(part, n_features, n_tasks, rng)
    _check_tasks(penalty, n_features, n_tasks, rng)
    _check_fits(penalty, n_features, n_tasks, rng)
    _check_pickle(penalty)


def _check_parameters(penalty: Penalty, n_features: int) -> None:
    """As an estimator of scikit-learn: stored, cloned, scaled."""
    penalty.check(n_features)
    expect(type(penalty).__name__ in repr(penalty), penalty, "repr does not name the class")
    expect("weight" in penalty.get_params(), penalty, "weight is no parameter of __init__")
    expect(repr(clone(penalty)) == repr(penalty), penalty, "clone changes it")
    doubled, weight = penalty * 2.0, penalty.weight
    expect(doubled.weight == 2.0 * weight, penalty, "2 * penalty has not twice its weight")
    expect(penalty.weight == weight, penalty, "2 * penalty changes it")
    for bad in (-1.0, np.nan, np.inf):
        try:
            clone(penalty).set_params(weight=bad).check(n_features)
        except ValueError:
            continue
        expect(False, penalty, f"check lets a weight of {bad} pass")


def _check_pickle(penalty: Penalty) -> None:
    """A fitted model can be stored, and sent to other processes."""
    try:
        copied = pickle.loads(pickle.dumps(penalty))
    except (pickle.PicklingError, AttributeError) as error:
        raise AssertionError(f"{penalty!r}: cannot be pickled: {error}.") from error
    expect(repr(copied) == repr(penalty), penalty, "pickle changes it")


def _check_tasks(penalty: Penalty, n_features: int, n_tasks: int, rng: Any) -> None:
    """Cut to some of the tasks."""
    everything = np.arange(n_tasks)
    for part in penalty.parts():
        W = rng.normal(size=(n_features, n_tasks))
        whole = part.for_tasks(everything, n_tasks)
        expect(
            np.isclose(whole.value(W), part.value(W)), part, "for_tasks of all changes the value"
        )
        alone = [part.value(np.where(everything == t, W, 0.0)) for t in everything]
        if not np.isclose(sum(alone), part.value(W)):
            continue
        # A sum over the tasks: what it says of each must stay with it.
        for t in everything:
            try:
                cut = part.for_tasks(np.array([t]), n_tasks).value(W[:, [t]])
            except (ValueError, IndexError) as error:
                raise AssertionError(f"{part!r}: for_tasks([{t}]) fails: {error}.") from error
            expect(np.isclose(cut, alone[t]), part, f"for_tasks([{t}]) is of another task")


def _check_fits(penalty: Penalty, n_features: int, n_tasks: int, rng: Any) -> None:
    """Small fits of many kinds are certified."""
    X = rng.normal(0.5, 1.0, size=(12 * n_features, n_features))
    W = rng.normal(size=(n_features, 1)) + 0.5 * rng.normal(size=(n_features, n_tasks))
    Y = X @ W + rng.normal(size=(len(X), n_tasks))
    search = MultiTaskLinearCV(penalty, alphas=3, cv=2, **LIMITS).fit(X, Y)
    largest, alpha = search.alphas_[:2]
    model = MultiTaskLinear(penalty, alpha=alpha, **LIMITS)
    _check_optimum(model.fit(X, Y), X, Y, rng)
    gaps = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
    _check_certified(model.fit(X, gaps), gaps)
    gaps[:, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabelWarning)
        _check_certified(model.fit(X, gaps), gaps[:, 1:])
    _check_certified(model.set_params(center=True).fit(X, Y), Y)
    _check_certified(model.set_params(shared_alpha=0.1).fit(X, Y), Y)
    model.set_params(center=False, shared_alpha=0.0, tasks="binary", alpha=0.05 * alpha)
    expect(model.fit(X, Y > 0).dual_gap_ <= TOL * n_tasks, penalty, "classes: not certified")
    atoms = [atom for part in penalty.parts() for atom in part.atoms()]
    if all(isinstance(atom, NormAtom) and not atom.is_shift_invariant for atom in atoms):
        _check_largest(penalty, float(largest), X, Y)
    if all(atom.allows_positive for atom in atoms):
        positive = MultiTaskLinear(penalty, alpha=alpha, positive=True, **LIMITS).fit(X, Y)
        _check_certified(positive, Y)
        expect((positive.coef_ >= 0).all(), penalty, "coefficients below 0 with positive=True")
    if len(penalty.parts()) == 1:
        both = MultiTaskLinear(L1(0.3) + penalty, alpha=0.5 * alpha, **LIMITS)
        _check_certified(both.set_params(penalty__right__weight=penalty.weight).fit(X, Y), Y)


def _check_largest(penalty: Penalty, alpha: float, X: Array, Y: Array) -> None:
    """The first alpha of a search is where coefficients vanish."""
    above = MultiTaskLinear(penalty, alpha=1.001 * alpha, **LIMITS | {"tol": 1e-11})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZeroCoefficientsWarning)
        above.fit(X, Y)
    below = MultiTaskLinear(penalty, alpha=0.95 * alpha, **LIMITS).fit(X, Y)
    # The prox of a sum may be found by iterating.
    rest = 0.0 if all(len(part.atoms()) == 1 for part in penalty.parts()) else 1e-6
    expect(np.abs(above.coef_).max() <= rest, penalty, "W is not 0 in a fit above alpha_max")
    expect(np.abs(below.coef_).max() > 1e-4, penalty, "W is 0 in a fit below alpha_max")


def _check_certified(model: MultiTaskLinear, Y: Array) -> None:
    allowed = TOL * 0.5 * float(np.nanvar(Y, axis=0).sum())
    expect(
        model.dual_gap_ <= allowed,
        model.penalty,
        f"a fit ends with a gap of {model.dual_gap_:.2g}, above {allowed:.2g}; is the conjugate "
        "the smallest bound, and is_shift_invariant right?",
    )


def _check_optimum(model: MultiTaskLinear, X: Array, Y: Array, rng: Any) -> None:
    """No coefficients nearby are better than the certificate allows."""
    _check_certified(model, Y)
    parts = model.penalty.parts()
    found = getattr(model, "coef_components_", model.coef_[None]).swapaxes(1, 2)

    def objective(coefficients: Array) -> float:
        residual = Y - X @ coefficients.sum(axis=0)
        residual -= residual.mean(axis=0)
        value = sum(part.value(V) for part, V in zip(parts, coefficients, strict=True))
        return 0.5 * float((residual**2).mean(axis=0).sum()) + model.alpha * value

    least = objective(found) - model.dual_gap_ - 1e-9
    for size in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(5):
            near = objective(found + size * rng.normal(size=found.shape))
            expect(near >= least, model.penalty, "a fit is not the optimum it is certified to be")
