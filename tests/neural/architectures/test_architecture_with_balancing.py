"""Every way to share with ways to balance: what a scikit-learn user does with an estimator."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from skmtl import MultiTaskMLP
from skmtl.neural.architectures import ARCHITECTURES, Architecture, MultiTaskModule
from skmtl.neural.balancing import BALANCING
from tests.neural.conftest import MIXED

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NOTHING = "nothing to balance"


def warnings_of(model, X, Y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y)
    return [w for w in caught if NOTHING in str(w.message)]


# One architecture with every method, and one method of each kind with every architecture.
PAIRS = [("hard_sharing", balancing) for balancing in sorted(BALANCING)]
PAIRS += [
    (architecture, balancing)
    for architecture in sorted(set(ARCHITECTURES) - {"hard_sharing"})
    for balancing in ("uncertainty", "pcgrad", "graddrop")
]


@pytest.mark.filterwarnings(f"ignore:.*{NOTHING}")
@pytest.mark.parametrize(("architecture", "balancing"), PAIRS)
def test_estimators_are_whole(architecture, balancing, mixed_data):
    X, Y = mixed_data
    model = MultiTaskMLP(
        (6, 6),
        tasks=MIXED,
        architecture=architecture,
        balancing=balancing,
        batch_size=20,
        max_iter=3,
        random_state=0,
    )
    weight = np.random.default_rng(1).uniform(0.5, 2.0, Y.shape)
    predicted = model.fit(X, Y, sample_weight=weight).predict(X)
    assert np.isfinite(predicted).all()
    # A label of weight 0 is as good as missing.
    filled = np.where(np.isnan(Y), 0.0, Y)
    again = clone(model).fit(X, filled, sample_weight=np.where(np.isnan(Y), 0.0, weight))
    np.testing.assert_array_equal(again.predict(X), predicted)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), predicted)


@pytest.mark.parametrize("balancing", ["uncertainty", "pcgrad", "graddrop"])
def test_a_search_with_every_kind_of_method(balancing, mixed_data):
    model = MultiTaskMLP((6,), tasks=MIXED, balancing=balancing, max_iter=3, random_state=0)
    grid = {"alpha": [1e-4, 1e-2], "learning_rate_init": [0.01]}
    search = GridSearchCV(model, grid, cv=KFold(2), error_score="raise").fit(*mixed_data)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("balancing", ["pcgrad", "graddrop", "dwa"])
def test_where_nothing_is_shared_there_is_nothing_to_balance(balancing, mixed_data):
    options = {"architecture": "independent", "max_iter": 3, "random_state": 0, "tasks": MIXED}
    model, equal = MultiTaskMLP((6,), balancing=balancing, **options), MultiTaskMLP((6,), **options)
    with pytest.warns(UserWarning, match=f"balancing='{balancing}' has nothing to balance"):
        model.fit(*mixed_data)
    assert not warnings_of(equal, *mixed_data)
    np.testing.assert_array_equal(model.predict(mixed_data[0]), equal.predict(mixed_data[0]))


@pytest.mark.parametrize("balancing", sorted(set(BALANCING) - {"equal"}))
def test_row_48_any_method_says_that_no_hidden_layer_is_shared(balancing, mixed_data):
    options = {"balancing": balancing, "max_iter": 1, "random_state": 0, "tasks": MIXED}
    (warning,) = warnings_of(MultiTaskMLP((), **options), *mixed_data)
    assert "hidden_layer_sizes=()" in str(warning.message)
    assert not warnings_of(MultiTaskMLP((6,), **options), *mixed_data)


def test_row_48_a_module_of_the_users_in_which_nothing_is_shared(mixed_data):
    class Module(MultiTaskModule):
        """Linear models side by side."""

        def __init__(self, spec):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1, spec.n_features, spec.n_outputs))

        def forward(self, X, task_index=None):
            return X @ self.weight

    class Mine(Architecture):
        alias = "mine"

        def build(self, spec):
            return Module(spec)

    class Said(Mine):
        def build(self, spec):
            module = super().build(spec)
            module.shared_parameters = lambda: [module.weight]
            return module

    options = {"balancing": "pcgrad", "max_iter": 2, "random_state": 0, "tasks": MIXED}
    (warning,) = warnings_of(MultiTaskMLP(architecture=Mine(), **options), *mixed_data)
    assert "architecture=Mine()" in str(warning.message)
    assert "shared_parameters()" in str(warning.message)
    assert not warnings_of(MultiTaskMLP(architecture=Said(), **options), *mixed_data)


def test_row_48_once_for_all_passes(mixed_data):
    X, Y = mixed_data
    model = MultiTaskMLP((), balancing="pcgrad", tasks=MIXED, random_state=0)
    with pytest.warns(UserWarning, match=NOTHING):
        model.partial_fit(X, Y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", NOTHING)
        model.partial_fit(X, Y)
