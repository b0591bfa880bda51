"""Files of estimators that look for neighbours: their trees are made again of the same points."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, RadiusNeighborsRegressor

from skmtl import IndependentTasks, TaskChain
from skmtl.persistence import load, save
from skmtl.persistence._describe import Described
from skmtl.persistence._known import UnknownTypeError
from skmtl.persistence._restore import Restored

V = np.array([0.5, 1.0, 2.0])
OF_BOTH_TREES = [
    {"metric": "euclidean"},
    {"metric": "manhattan"},
    {"metric": "chebyshev"},
    {"metric": "minkowski", "p": 3},
]
OF_BALLS = [
    {"metric": "minkowski", "p": 3, "metric_params": {"w": V}},
    {"metric": "seuclidean", "metric_params": {"V": V}},
    {"metric": "mahalanobis", "metric_params": {"V": np.diag(V)}},
    {"metric": "canberra"},
]


def data():
    rng = np.random.default_rng(0)
    # Of few values: many neighbours are equally far away, and the tree chooses.
    X = rng.integers(0, 4, size=(60, 3)).astype(float)
    return X, X @ rng.normal(size=(3, 2)) + rng.normal(size=(60, 2))


def same_again(model, X, path):
    save(model, path)
    again = load(path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    return again


@pytest.mark.parametrize(
    ("algorithm", "distance"),
    [
        *(("kd_tree", distance) for distance in OF_BOTH_TREES),
        *(("ball_tree", distance) for distance in OF_BOTH_TREES + OF_BALLS),
    ],
)
def test_the_same_neighbours(algorithm, distance, tmp_path):
    X, Y = data()
    one = KNeighborsRegressor(3, algorithm=algorithm, leaf_size=4, **distance)
    model = IndependentTasks(one).fit(X, Y)
    again = same_again(model, X, tmp_path / "model")
    found, expected = (m.estimators_[0].kneighbors(X + 0.1) for m in (again, model))
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classes_radii_and_stacks(dtype, tmp_path):
    X, Y = data()
    X = X.astype(dtype)
    for model, labels in (
        (IndependentTasks(RadiusNeighborsRegressor(2.0)), Y),
        (IndependentTasks(KNeighborsClassifier(4, weights="distance")), Y > 0),
        (TaskChain(KNeighborsRegressor(4)), Y),
    ):
        same_again(model.fit(X, labels), X, tmp_path / "model")


def test_a_distance_of_the_users_own_is_refused(tmp_path):
    X, Y = data()
    one = KNeighborsRegressor(3, algorithm="ball_tree", metric=lambda a, b: abs(a - b).sum())
    with pytest.raises(UnknownTypeError, match="not plain data"):
        save(IndependentTasks(one).fit(X, Y), tmp_path / "model")


def test_a_file_calls_nothing_in_the_place_of_a_distance():
    X, Y = data()
    described = Described(KNeighborsRegressor(3, algorithm="ball_tree").fit(X, Y))
    (distance,) = (
        k
        for k, node in enumerate(described.nodes)
        if node[0] == "object" and "EuclideanDistance" in node[1]
    )
    described.nodes[distance] = ["name", "skmtl._warnings:name_tasks"]
    with pytest.raises(UnknownTypeError, match="BallTree is not made of what the file gives it"):
        Restored(described.root, described.nodes, described.arrays)
