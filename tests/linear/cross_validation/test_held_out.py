"""Scores of a fold are those of the published models, of all task types and forms."""

import numpy as np
import pytest
from scipy import sparse

from skmtl import MultiTaskLinearClassifierCV, MultiTaskLinearCV, task_scores
from skmtl.linear.cross_validation import _held_out
from skmtl.tasks import Binary, Regression
from tests.linear.conftest import MIXED

ALPHAS = [0.3, 0.03, 0.003]
ALL_FOLDS = {"alphas": ALPHAS, "cv": 3}


def published(model, X, y, sample_weight=None):
    """What a fitted model scores, of X as it was given."""
    assert model.alpha in ALPHAS
    if model.task_feature is not None:
        return model.score(X, y, sample_weight=sample_weight)
    return task_scores(model, X, y, sample_weight=sample_weight)


def long_form(X, Y):
    rows, tasks = np.nonzero(~np.isnan(Y))
    return np.column_stack([X[rows], tasks]), Y[rows, tasks]


@pytest.fixture(params=["mixed", "huber", "classes", "strings", "one", "sparse", "long", "shared"])
def case(request, mixed_data):
    """Estimator, X and y."""
    X, Y = mixed_data
    options = {**ALL_FOLDS, "tol": 1e-3}
    if request.param in ("mixed", "sparse"):
        model = MultiTaskLinearCV("l21", tasks=MIXED, **options)
        return model, sparse.csr_array(X) if request.param == "sparse" else X, Y
    if request.param == "huber":
        return MultiTaskLinearCV("l2", tasks=Regression("huber"), **options), X, Y[:, [0, 3]]
    if request.param == "classes":
        return MultiTaskLinearClassifierCV("l2", **options), X, Y[:, 1:3]
    if request.param == "strings":
        labels = np.array(["no", "yes", None], dtype=object)
        codes = np.where(np.isnan(Y[:, 1]), 2, Y[:, 1]).astype(int)
        return MultiTaskLinearClassifierCV("l21", **options), X, labels[codes]
    if request.param == "one":
        return MultiTaskLinearCV("l2", tasks="count", **options), X, Y[:, 3]
    columns = [1, 1, 1] if request.param == "long" else [3, 3, 3]
    tasks = Binary(class_weight="balanced") if request.param == "long" else "count"
    model = MultiTaskLinearCV("l2", tasks=tasks, task_feature=5, **options)
    X, y = long_form(X, Y[:, columns])
    if request.param == "shared":
        # Each fold holds a task out.
        folds = [(np.flatnonzero(X[:, 5] != t), np.flatnonzero(X[:, 5] == t)) for t in range(3)]
        model.set_params(cv=folds, unknown_task="shared")
    return model, X, y


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("at_a_time", ["all", "one"])
def test_scores_are_those_of_published_models(case, is_weighted, at_a_time, monkeypatch):
    model, X, y = case
    weight = np.random.default_rng(0).integers(0, 3, len(y)) if is_weighted else None
    if at_a_time == "one":
        monkeypatch.setattr(_held_out, "LARGEST", 1)
    fast = model.fit(X, y, sample_weight=weight)
    scores = {name: getattr(fast, name) for name in vars(fast) if "path" in name}
    slow = model.set_params(scoring=published).fit(X, y, sample_weight=weight)
    assert np.isfinite(scores["score_path_"]).all()
    for name, found in scores.items():
        np.testing.assert_allclose(found, getattr(slow, name), rtol=1e-9, err_msg=name)
    assert fast.alpha_ == slow.alpha_


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
def test_log_losses_are_those_of_the_scorer(case, is_weighted, monkeypatch):
    model, X, y = case
    weight = np.random.default_rng(0).integers(0, 3, len(y)) if is_weighted else None
    model.set_params(scoring="neg_log_loss")
    found = []
    for at_once in (_held_out.scores_at_once, lambda scorer: None):
        monkeypatch.setattr(_held_out, "scores_at_once", at_once)
        try:
            found.append(model.fit(X, y, sample_weight=weight).score_path_)
        except ValueError as error:
            found.append(str(error))
    if isinstance(found[1], str):
        assert found[0] == found[1]
    else:
        assert np.isfinite(found[1]).all()
        np.testing.assert_allclose(*found, rtol=1e-9)


def test_log_losses_of_classes_that_training_did_not_see(mixed_data, monkeypatch):
    X, Y = mixed_data
    y, rows = Y[:, 2].copy(), np.arange(40)
    y[:3] = 5.0
    folds = [(rows[3:], rows[:3]), (rows[::2], rows[1::2])]
    options = {"alphas": ALPHAS, "cv": folds, "scoring": "neg_log_loss"}
    found = []
    for at_once in (_held_out.scores_at_once, lambda scorer: None):
        monkeypatch.setattr(_held_out, "scores_at_once", at_once)
        found.append(MultiTaskLinearClassifierCV("l2", **options).fit(X, y).score_path_)
    assert (found[0][0, :, 0] < np.log(1e-15)).all()
    np.testing.assert_allclose(*found, rtol=1e-9)


class Rounded(Binary):
    """A task with scores of its own."""

    def score(self, expected, values, weight):
        return round(super().score(expected, values, weight), 1)

    def accuracy(self, expected, values, weight, decided=None):
        return round(super().accuracy(expected, values, weight, decided), 1)


@pytest.mark.parametrize("make", [MultiTaskLinearCV, MultiTaskLinearClassifierCV])
def test_a_task_may_have_a_score_of_its_own(make, mixed_data):
    X, Y = mixed_data
    options = {"tol": 1e-3, **ALL_FOLDS}
    plain = make("l2", tasks=[Binary()], **options).fit(X, Y[:, [1]])
    own = make("l2", tasks=[Rounded()], **options).fit(X, Y[:, [1]])
    np.testing.assert_array_equal(own.score_path_, plain.score_path_.round(1))


@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
def test_a_class_that_training_did_not_see_is_missed(mixed_data):
    X, Y = mixed_data
    y = Y[:, 2].copy()
    y[:3] = 5.0
    rows = np.arange(40)
    folds = [(rows[3:], rows[:3]), (rows[::2], rows[1::2])]
    model = MultiTaskLinearClassifierCV("l2", alphas=ALPHAS, cv=folds).fit(X, y)
    assert not model.score_path_[0, :, 0].any()
    slow = model.set_params(scoring=published)
    np.testing.assert_allclose(model.score_path_, slow.fit(X, y).score_path_)


def test_scores_of_predictions_that_are_no_numbers_do_not_count(mixed_data):
    X, Y = mixed_data
    model = MultiTaskLinearCV("l2", tasks=["regression", "count"], cv=2, alphas=ALPHAS)
    Y = Y[:, [0, 3]].copy()
    # Expected values of a task without labels in training are NaN.
    Y[:20, 0] = np.nan
    rows = np.arange(40)
    with pytest.warns(UserWarning):
        model.set_params(cv=[(rows[:20], rows[20:])]).fit(X, Y)
    assert np.isnan(model.task_score_path_[0, :, 0, 0]).all()
    assert np.isfinite(model.task_score_path_[0, :, 0, 1]).all()
