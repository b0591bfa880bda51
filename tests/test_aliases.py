"""Searches reach into parts given by an alias; what was misspelt is guessed."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from skmtl import (
    IndependentTasks,
    MultiTaskLinear,
    MultiTaskLinearRegressor,
    MultiTaskMLP,
    MultiTaskMLPRegressor,
    make_multitask_scorer,
)
from skmtl._aliases import REGISTRIES, from_alias
from skmtl.compose import PooledTasks, TargetScaler, TaskChain, TaskGrouping
from skmtl.linear.penalties import L21, PENALTIES, ElasticNet, Split
from skmtl.neural.architectures import ARCHITECTURES, MMoE
from skmtl.neural.balancing import BALANCING, CAGrad, Weighting
from skmtl.neural.inputs import EMBEDDINGS
from skmtl.tasks import TASK_TYPES, Count, Regression

from .registry import EVERY

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*nothing to balance"),
]

FAMILIES = {
    "architecture": (MultiTaskMLP, ARCHITECTURES),
    "balancing": (MultiTaskMLP, BALANCING),
    "numeric_embedding": (MultiTaskMLP, EMBEDDINGS),
    "penalty": (MultiTaskLinear, PENALTIES),
    "tasks": (MultiTaskLinear, TASK_TYPES),
}
ALIASES = [(name, alias) for name, (_, registry) in FAMILIES.items() for alias in registry]


def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    return X, X[:, :2] + 0.1 * rng.normal(size=(60, 2))


@pytest.mark.parametrize(("name", "alias"), ALIASES)
def test_every_alias_becomes_its_object_when_a_parameter_of_it_is_set(name, alias):
    kind, registry = FAMILIES[name]
    settings = registry[alias]().get_params(deep=False)
    if not settings:
        pytest.skip("it has no parameter")
    for setting, value in settings.items():
        model = clone(kind(**{name: alias})).set_params(**{f"{name}__{setting}": value})
        assert repr(getattr(model, name)) == repr(registry[alias]())
        # In one call, in whatever order.
        model = kind().set_params(**{f"{name}__{setting}": value, name: alias})
        assert repr(getattr(model, name)) == repr(registry[alias]())


def test_get_params_is_as_scikit_learn_has_it():
    model = MultiTaskMLP(architecture="mmoe")
    assert "architecture__n_experts" not in model.get_params()
    model.set_params(architecture__n_experts=3)
    assert model.get_params()["architecture__n_experts"] == 3
    assert clone(model).architecture.n_experts == 3
    assert repr(pickle.loads(pickle.dumps(model))) == repr(model)
    # A plain one comes first; the object set before is gone.
    model.set_params(architecture="ple")
    assert model.architecture == "ple"


SEARCHES = {
    "architecture": (
        MultiTaskMLPRegressor((8,), max_iter=3, random_state=0),
        {"architecture": ["mmoe"], "architecture__n_experts": [2, 5]},
        lambda n: MultiTaskMLPRegressor(
            (8,), max_iter=3, random_state=0, architecture=MMoE(n_experts=n)
        ),
    ),
    "architecture given before": (
        MultiTaskMLPRegressor((8,), architecture="mmoe", max_iter=3, random_state=0),
        {"architecture__n_experts": [2, 5]},
        lambda n: MultiTaskMLPRegressor(
            (8,), max_iter=3, random_state=0, architecture=MMoE(n_experts=n)
        ),
    ),
    "balancing": (
        MultiTaskMLPRegressor((8,), balancing="cagrad", max_iter=3, random_state=0),
        {"balancing__c": [0.1, 0.9]},
        lambda c: MultiTaskMLPRegressor((8,), max_iter=3, random_state=0, balancing=CAGrad(c=c)),
    ),
    "penalty": (
        MultiTaskLinear("l21", alpha=0.1),
        {"penalty__weight": [0.1, 3.0]},
        lambda weight: MultiTaskLinear(L21(weight=weight), alpha=0.1),
    ),
    "penalty of the search": (
        MultiTaskLinear(alpha=0.1),
        {"penalty": ["elastic_net"], "penalty__l1_ratio": [0.1, 0.9]},
        lambda ratio: MultiTaskLinear(ElasticNet(ratio), alpha=0.1),
    ),
    "tasks": (
        MultiTaskLinear(tasks="regression", alpha=0.1),
        {"tasks__loss": ["squared", "huber"]},
        lambda loss: MultiTaskLinear(tasks=Regression(loss=loss), alpha=0.1),
    ),
    "tasks of a regressor": (
        MultiTaskLinearRegressor(alpha=0.1),
        {"tasks__loss": ["squared", "huber"]},
        lambda loss: MultiTaskLinearRegressor(tasks=Regression(loss=loss), alpha=0.1),
    ),
}


@pytest.mark.parametrize("name", list(SEARCHES))
def test_a_search_is_one_over_objects(name):
    X, y = problem()
    model, grid, with_object = SEARCHES[name]
    before = repr(model)
    *_, (_, values) = grid.items()
    options = {"cv": KFold(2), "error_score": "raise"}
    search = GridSearchCV(model, grid, **options).fit(X, y)
    assert repr(model) == before
    expected = [GridSearchCV(with_object(v), {}, **options).fit(X, y).best_score_ for v in values]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)
    assert len(set(expected)) == 2
    pickle.loads(pickle.dumps(search)).predict(X)


NESTED = {
    "pipeline": lambda m: make_pipeline(StandardScaler(), m),
    "independent": lambda m: IndependentTasks(m),
    "pooled": lambda m: PooledTasks(m),
    "chain": lambda m: TaskChain(m),
    "grouping": lambda m: TaskGrouping(m),
    "scaler": lambda m: TargetScaler(m),
    "search": lambda m: GridSearchCV(m, {"alpha": [0.1, 1.0]}, cv=2),
}


@pytest.mark.parametrize("wrap", list(NESTED))
def test_through_estimators_of_estimators(wrap):
    outer = clone(NESTED[wrap](MultiTaskLinear("l21")))
    (path,) = [key for key, v in outer.get_params().items() if v == "l21"]
    outer.set_params(**{f"{path}__weight": 0.3})
    assert repr(outer.get_params()[path]) == "L21(weight=0.3)"


def test_parts_of_parts():
    model = MultiTaskLinear("dirty").set_params(penalty__first__weight=2.0)
    assert isinstance(model.penalty, Split)
    assert model.penalty.first.weight == 2.0
    # One object is not that of the next.
    assert MultiTaskLinear("dirty").set_params(penalty__weight=1.0).penalty.first.weight == 1.0


def test_a_function_as_balancing_method():
    model = MultiTaskMLP(balancing=np.diag).set_params(balancing__update_weights_every=5)
    assert isinstance(model.balancing, Weighting)
    assert model.balancing.function is np.diag


def test_what_has_no_parameters_says_so():
    with pytest.raises(ValueError, match=r"tasks='auto' is decided in fit.*one of \['binary', "):
        MultiTaskMLP().set_params(tasks__loss="huber")
    with pytest.raises(ValueError, match=r"architecture='auto' is decided in fit.*'mmoe', "):
        MultiTaskMLP().set_params(architecture__n_experts=2)
    with pytest.raises(ValueError, match="solver='auto' has no parameters of its own"):
        MultiTaskLinear().set_params(solver__tol=1)
    with pytest.raises(ValueError, match=r"tasks=\['binary'\] has no parameters of its own"):
        MultiTaskLinear(tasks=["binary"]).set_params(tasks__classes=[0, 1])


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        (MultiTaskLinear(L21), "L21"),
        (MultiTaskLinear(tasks=Count), "Count"),
        (MultiTaskLinear(tasks=["auto", Count]), "Count"),
    ],
)
def test_a_class_is_no_object(model, meant):
    with pytest.raises(ValueError, match=rf"It is a class; expected an object, {meant}\(\)\."):
        model.fit(np.eye(3), np.eye(3)[:, :2])


@pytest.mark.parametrize("name", list(REGISTRIES))
def test_did_you_mean_an_alias(name):
    for alias in FAMILIES[name][1]:
        with pytest.raises(ValueError, match=rf"{name}='{alias}x'.*Did you mean '{alias}'\?"):
            from_alias(name, f"{alias}x")


ERRORS = {
    "architecture": (lambda: MultiTaskMLP(architecture="mmeo"), "mmoe"),
    "balancing": (lambda: MultiTaskMLP(balancing="pcgard"), "pcgrad"),
    "solver": (lambda: MultiTaskMLP(solver="adma"), "adam"),
    "activation": (lambda: MultiTaskMLP(activation="rleu"), "relu"),
    "penalty": (lambda: MultiTaskLinear("elasticnet"), "elastic_net"),
    "linear solver": (lambda: MultiTaskLinear(solver="blok_descent"), "block_descent"),
    "tasks": (lambda: MultiTaskLinear(tasks="regresion"), "regression"),
    "one of tasks": (lambda: MultiTaskLinear(tasks=["auto", "multi_class"]), "multiclass"),
}


@pytest.mark.parametrize("name", list(ERRORS))
def test_did_you_mean_in_fit(name):
    make, meant = ERRORS[name]
    with pytest.raises(ValueError, match=rf"Did you mean '{meant}'\?") as caught:
        make().fit(*problem())
    # Those that scikit-learn checks are still of its type.
    if "solver" in name or name in ("activation", "penalty"):
        assert isinstance(caught.value, InvalidParameterError)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_did_you_mean_a_parameter(name):
    model = EVERY[name]()
    for parameter in model._get_param_names():
        for key in (f"{parameter}_", f"{parameter}___x"):
            with pytest.raises(ValueError, match=r"(?s)Invalid parameter .*Valid parameters are"):
                model.set_params(**{f"_{key}": 1})
        with pytest.raises(ValueError, match=rf"Did you mean '{parameter}'\?"):
            model.set_params(**{f"{parameter}_": 1})


def test_did_you_mean_a_parameter_of_a_part():
    with pytest.raises(ValueError, match=r"Did you mean 'n_experts'\?"):
        MultiTaskMLP(architecture="mmoe").set_params(architecture__n_expert=3)
    with pytest.raises(ValueError, match=r"Did you mean 'weight'\?"):
        MultiTaskLinear(L21()).set_params(penalty__wieght=3)
    with pytest.raises(ValueError, match=r"Did you mean 'loss'\?"):
        MultiTaskLinear(tasks="regression").set_params(tasks__los="huber")
    with pytest.raises(ValueError, match=r"Did you mean 'conflict_space'\?"):
        MultiTaskMLP(balancing="pcgrad").set_params(balancing__conflictspace="shared")


def test_nothing_is_guessed_where_nothing_is_alike():
    for make in (
        lambda: MultiTaskMLP(architecture="zzz").fit(*problem()),
        lambda: MultiTaskMLP(solver="zzz").fit(*problem()),
        lambda: MultiTaskMLP().set_params(zzz=1),
    ):
        with pytest.raises(ValueError, match="zzz") as caught:
            make()
        assert "Did you mean" not in str(caught.value)


def test_did_you_mean_a_metric():
    X, y = problem()
    model = MultiTaskLinear(alpha=0.1).fit(X, y)
    with pytest.raises(ValueError, match=r"Did you mean 'r2'\?"):
        make_multitask_scorer("r2_")(model, X, y)
    with pytest.raises(ValueError, match=r"Did you mean 'regression'\?"):
        make_multitask_scorer({"regresion": "r2"})(model, X, pd.DataFrame(y))
