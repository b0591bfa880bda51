"""``random_state``: a seed, numpy's old generator and its new one, everywhere."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from skmtl import (
    MultiTaskLassoCV,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
)
from skmtl.compose import TaskChain
from skmtl.datasets import (
    make_multitask_classification,
    make_multitask_mixed,
    make_multitask_regression,
)
from skmtl.model_selection import (
    MultiTaskKFold,
    MultiTaskShuffleSplit,
    multitask_train_test_split,
)

from .registry import EVERY, kind_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*worse than a constant"),
]

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X @ np.random.default_rng(1).normal(size=(3, 3))
LABELS = (Y > 0).astype(float)


def network(kind, y):
    return lambda seed: kind((4,), max_iter=2, random_state=seed).fit(X, y).predict(X)


def folds(splitter):
    return lambda seed: [test for _, test in splitter(random_state=seed).split(X, Y)]


DRAWS = {
    "mlp": network(MultiTaskMLP, Y),
    "mlp-regressor": network(MultiTaskMLPRegressor, Y),
    "mlp-classifier": lambda seed: np.hstack(
        MultiTaskMLPClassifier((4,), max_iter=2, random_state=seed).fit(X, LABELS).predict_proba(X)
    ),
    "partial_fit": lambda seed: MultiTaskMLP((4,), random_state=seed).partial_fit(X, Y).predict(X),
    "chain": lambda seed: (
        TaskChain(Ridge(), order="random", n_chains=3, cv=2, random_state=seed).fit(X, Y).predict(X)
    ),
    "k-fold": folds(lambda **kw: MultiTaskKFold(2, shuffle=True, **kw)),
    "shuffle": folds(lambda **kw: MultiTaskShuffleSplit(2, **kw)),
    "split": lambda seed: multitask_train_test_split(X, Y, random_state=seed)[0],
    "regression": lambda seed: make_multitask_regression(random_state=seed)[0],
    "classification": lambda seed: make_multitask_classification(random_state=seed)[0],
    "mixed": lambda seed: make_multitask_mixed(random_state=seed)[0],
}


@pytest.mark.parametrize("name", list(DRAWS))
def test_a_generator_decides(name):
    draw = DRAWS[name]
    one, other = (draw(np.random.default_rng(0)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    # It moves on, as a RandomState does.
    for make in (np.random.default_rng, np.random.RandomState):
        shared = make(0)
        first, second = draw(shared), draw(shared)
        assert not np.array_equal(first, second)
        state = make(0)
        np.testing.assert_array_equal(draw(state), first)


@pytest.mark.parametrize("name", list(DRAWS))
def test_numpys_global_generator_is_left_alone(name):
    before = np.random.get_state()[1].copy()
    DRAWS[name](None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize(
    "name", [name for name in EVERY if "random_state" in EVERY[name]()._get_param_names()]
)
def test_every_estimator_takes_a_generator(name):
    y = LABELS if kind_of(name) == "classification" else Y
    model = EVERY[name](random_state=np.random.default_rng(3))
    one, other = clone(model).fit(X, y), clone(model).fit(X, y)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(one)).predict(X), one.predict(X))


def test_what_is_no_generator_is_refused():
    with pytest.raises(ValueError, match="'random_state' parameter of MultiTaskMLP must be"):
        MultiTaskMLP(random_state="seed").fit(X, Y)
    with pytest.raises(ValueError, match="'random_state' parameter of MultiTaskLassoCV must be"):
        MultiTaskLassoCV(random_state=-1).fit(X, Y)
