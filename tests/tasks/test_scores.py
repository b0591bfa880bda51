"""Scores are scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, d2_log_loss_score, d2_tweedie_score, r2_score

from skmtl.tasks import Binary, Count, Multiclass, Regression
from skmtl.tasks._columns import read_column


@pytest.fixture(params=["unweighted", "weighted", "with gaps"])
def weight(request):
    rng = np.random.default_rng(5)
    if request.param == "unweighted":
        return np.ones(60)
    weight = rng.uniform(0.2, 3.0, size=60)
    return weight if request.param == "weighted" else weight * (rng.random(60) < 0.7)


def encode(task, labels, **options):
    column = read_column(np.asarray(labels), "t")
    task.fit(column, np.ones(len(labels)), "t", **options)
    return task.encode(column, "t")


def rows(weight):
    """Rows and weights for a metric that knows no unobserved labels."""
    used = weight > 0
    return used, {"sample_weight": weight[used]}


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("loss", ["squared", "huber", "absolute"])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_regression_is_r2(weight, loss, standardize, scale):
    rng = np.random.default_rng(0)
    labels = scale * (3 + rng.normal(size=60))
    predicted = labels + scale * rng.normal(size=60)
    task = Regression(loss=loss)
    values = encode(task, labels, standardize=standardize)
    used, options = rows(weight)
    expected = r2_score(labels[used], predicted[used], **options)
    assert task.score(predicted, values, weight) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("task, names", [(Binary(), "ab"), (Multiclass(), "abcd")])
def test_classes_are_d2_log_loss_and_accuracy(weight, task, names):
    rng = np.random.default_rng(0)
    codes = rng.integers(len(names), size=60)
    labels = np.array(list(names), dtype=object)[codes]
    values = encode(task, labels)
    predicted = rng.dirichlet(np.ones(len(names)), size=60)
    predicted[0] = np.eye(len(names))[codes[0] - 1]  # certain, and wrong
    used, options = rows(weight)
    expected = d2_log_loss_score(codes[used], predicted[used], **options)
    assert task.score(predicted, values, weight) == pytest.approx(expected, rel=1e-12)
    expected = accuracy_score(codes[used], predicted[used].argmax(axis=1), **options)
    assert task.accuracy(predicted, values, weight) == pytest.approx(expected, rel=1e-12)


def test_count_is_d2_poisson(weight):
    rng = np.random.default_rng(0)
    labels = rng.poisson(2.0, size=60)
    predicted = labels + rng.uniform(0.5, 1.5, size=60)
    task = Count()
    values = encode(task, labels)
    used, options = rows(weight)
    expected = d2_tweedie_score(labels[used], predicted[used], power=1, **options)
    assert task.score(predicted, values, weight) == pytest.approx(expected, rel=1e-12)


def test_constant_target_scores_as_r2():
    labels = np.full(5, 3.0)
    task = Regression()
    values = encode(task, labels, standardize=True)
    assert task.scale_ == 1.0
    ones = np.ones(5)
    assert task.score(labels, values, ones) == r2_score(labels, labels) == 1.0
    assert task.score(labels + 1, values, ones) == r2_score(labels, labels + 1) == 0.0


@pytest.mark.parametrize("n_labels", [0, 1])
@pytest.mark.parametrize(
    "task, labels, predicted",
    [
        (Regression(), [1.0, 2.0], [1.0, 2.0]),
        (Count(), [1.0, 2.0], [1.0, 2.0]),
        (Binary(), ["a", "b"], [[1.0, 0.0], [0.0, 1.0]]),
    ],
)
def test_too_few_labels_to_compare_with_a_constant(task, labels, predicted, n_labels):
    values = encode(task, np.array(labels))
    weight = np.array([1.0, 0.0]) * n_labels
    assert np.isnan(task.score(np.array(predicted), values, weight))


def test_a_mean_of_zero_under_a_count_has_a_score():
    task, labels = Count(), np.array([1000, 0, 3, 1])
    values = encode(task, labels)
    score = task.score(np.zeros(4), values, np.ones(4))
    assert np.isfinite(score)
    assert score < task.score(np.full(4, 1e-300), values, np.ones(4)) < -100


def test_score_ignores_what_is_beside_weight_zero():
    rng = np.random.default_rng(0)
    labels, predicted = rng.normal(size=(2, 30))
    weight = (rng.random(30) < 0.5).astype(float)
    task = Regression()
    values = encode(task, labels)
    first = task.score(predicted, values, weight)
    values[weight == 0], predicted[weight == 0] = 1e9, np.nan
    assert task.score(predicted, values, weight) == first


def test_unseen_class_is_a_miss():
    task = Binary()
    encode(task, np.array(["a", "b"], dtype=object))
    column = read_column(np.array(["a", "b", "c"], dtype=object), "t")
    with pytest.raises(
        ValueError, match=r"Task 't': label 'c' was not seen in fit; known classes: \['a', 'b'\]"
    ):
        task.encode(column, "t")
    values = task.encode(column, "t", unseen="miss")
    predicted = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    assert task.accuracy(predicted, values, np.ones(3)) == pytest.approx(2 / 3)
    padded = np.column_stack([predicted, np.zeros(3)])
    expected = d2_log_loss_score([0, 1, 2], padded)
    assert task.score(predicted, values, np.ones(3)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("task", [Regression(), Count(), Binary(), Multiclass()], ids=str)
def test_several_predictions_have_the_score_of_each(task, weight):
    rng = np.random.default_rng(0)
    labels = rng.integers(3 if isinstance(task, Multiclass) else 2, size=60)
    values = encode(task, labels)
    shape = (4, 60, len(task.classes_)) if task.is_classification else (4, 60)
    predicted = rng.uniform(0.1, 0.9, size=shape)
    scores = [task.score(one, values, weight) for one in predicted]
    np.testing.assert_allclose(task.scores(predicted, values, weight), scores, rtol=1e-12)
    none = np.zeros(60)
    assert np.isnan(task.scores(predicted, values, none)).all()
    if task.is_classification:
        accuracy = [task.accuracy(one, values, weight) for one in predicted]
        found = task.accuracies(predicted, values, weight)
        np.testing.assert_allclose(found, accuracy, rtol=1e-12)
        assert np.isnan(task.accuracies(predicted, values, none)).all()
