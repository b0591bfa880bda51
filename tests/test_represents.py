"""Networks and models of low rank as transformers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skmtl import MultiTaskLinear, MultiTaskMLP, MultiTaskMLPRegressor, ReducedRankRegressor
from skmtl.neural.architectures import ARCHITECTURES, Custom, Ensemble, HardSharing

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*worse than a constant"),
]

OPTIONS = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
OF_TASKS = {
    "cross_stitch", "independent", "mmoe", "mtan", "ple", "sluice", "soft_sharing",
    "task_attention", "task_embedding", "trace_norm_sharing",
}  # fmt: skip
every_architecture = pytest.mark.parametrize("alias", sorted(set(ARCHITECTURES) - {"custom"}))


def draw():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 4)), columns=list("abcd"))
    return X, pd.DataFrame(rng.normal(size=(60, 3)), columns=["u", "v", "w"])


@every_architecture
def test_what_heads_read(alias):
    X, Y = draw()
    model = MultiTaskMLP(**OPTIONS, architecture=alias).fit(X, Y)
    Z, names = model.transform(X), model.get_feature_names_out()
    assert Z.shape == (60, len(names))
    assert len(set(names)) == len(names)
    assert any("_u_" in name for name in names) == (alias in OF_TASKS)
    np.testing.assert_allclose(model.transform(X[:1])[0], Z[0], rtol=1e-5, atol=1e-6)
    assert np.std(Z, axis=0).max() > 0


@every_architecture
def test_long_form(alias):
    X, Y = draw()
    index = np.arange(60) % 3
    model = MultiTaskMLP(**OPTIONS, architecture=alias, task_feature="task")
    model.fit(X.assign(task=index), Y["u"])
    Z = model.transform(X.assign(task=index))
    assert Z.shape == (60, len(model.get_feature_names_out()))
    of_first = model.transform(X.assign(task=0))
    same = np.isclose(Z, of_first, atol=1e-6).all(axis=1)
    assert same[index == 0].all()
    assert same.all() == (alias not in OF_TASKS)


def test_of_hard_sharing_heads_are_linear():
    X, Y = draw()
    model = MultiTaskMLPRegressor(**OPTIONS, linear_skip=False).fit(X, Y)
    Z = np.column_stack([model.transform(X), np.ones(len(X))])
    found = Z @ np.linalg.lstsq(Z, model.predict(X), rcond=None)[0]
    np.testing.assert_allclose(found, model.predict(X), atol=1e-6)


def test_members_side_by_side():
    X, Y = draw()
    model = MultiTaskMLP(**OPTIONS, architecture=Ensemble(n_members=3)).fit(X, Y)
    assert model.get_feature_names_out()[[0, -1]].tolist() == [
        "multitaskmlp_0_0",
        "multitaskmlp_2_7",
    ]


@pytest.mark.parametrize(
    "model",
    [MultiTaskLinear("trace_norm", alpha=0.05), ReducedRankRegressor(2)],
    ids=["trace", "rank"],
)
def test_directions_carry_all_predictions(model):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 6))
    Y = X[:, :2] @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(100, 5))
    Z = model.fit(X, Y).transform(X)
    assert Z.shape == (100, 2)
    Z = np.column_stack([Z, np.ones(100)])
    found = Z @ np.linalg.lstsq(Z, model.predict(X), rcond=None)[0]
    np.testing.assert_allclose(found, model.predict(X), atol=1e-4)


def test_before_another_estimator():
    X, Y = draw()
    steps = StandardScaler(), MultiTaskMLP(**OPTIONS), RandomForestClassifier(5, random_state=0)
    pipeline = make_pipeline(*steps).fit(X, Y["u"] > 0)
    assert pipeline.predict(X).shape == (60,)
    assert len(pipeline[:-1].get_feature_names_out()) == 8
    assert np.isfinite(cross_val_score(pipeline, X, Y["u"] > 0, cv=2)).all()


@pytest.mark.parametrize(
    "model", [MultiTaskMLP(**OPTIONS), ReducedRankRegressor(1)], ids=["mlp", "rank"]
)
def test_containers(model):
    X, Y = draw()
    Z = model.set_output(transform="pandas").fit_transform(X, Y)
    assert Z.columns.tolist() == model.get_feature_names_out().tolist()
    assert (Z.index == X.index).all()
    assert (Z.to_numpy() == model.set_output(transform="default").transform(X)).all()


def test_tasks_that_come_later_change_nothing():
    X, Y = draw()
    for model in (MultiTaskMLP(**OPTIONS, architecture="mmoe"), ReducedRankRegressor(2)):
        before = model.fit(X, Y).transform(X)
        model.add_task(X[:20], Y["u"][:20], "z").drop_task("v")
        assert (model.transform(X) == before).all()
        assert len(model.get_feature_names_out()) == before.shape[1]


def test_only_where_there_is_a_representation():
    X, Y = draw()
    linear = MultiTaskLinear().fit(X, Y)
    for name in ("transform", "fit_transform", "get_feature_names_out", "set_output"):
        assert not hasattr(linear, name)
        assert hasattr(MultiTaskLinear("trace_norm"), name)
    with pytest.raises(AttributeError) as error:
        linear.transform(X)
    assert "only models of low rank" in str(error.value.__cause__ or error.value)
    assert not hasattr(MultiTaskMLP(architecture=Custom(nn.Identity)), "transform")
    with pytest.raises(NotFittedError):
        MultiTaskMLP().transform(X)


class Plain(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.layer = nn.Linear(n_features, 5)

    def forward(self, X):
        return self.layer(X).relu()


def test_trunk_of_the_user():
    X, Y = draw()
    options = {**OPTIONS, "hidden_layer_sizes": ()}
    model = MultiTaskMLP(**options, architecture=HardSharing(trunk=Plain)).fit(X, Y)
    assert model.transform(X).shape == (60, 5)
