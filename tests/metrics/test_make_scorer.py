"""scikit-learn's own numbers, task by task."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    fbeta_score,
    get_scorer,
    log_loss,
    make_scorer,
    max_error,
    mean_pinball_loss,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)

from skmtl import IndependentTasks, make_multitask_scorer, stack_tasks, task_scores
from skmtl.tasks import Binary, Multiclass

REGRESSION = [
    "r2",
    "neg_mean_squared_error",
    "neg_mean_absolute_error",
    "neg_median_absolute_error",
    "neg_root_mean_squared_error",
    "explained_variance",
    "d2_absolute_error_score",
]
BINARY = [
    "accuracy",
    "balanced_accuracy",
    "average_precision",
    "f1",
    "f1_macro",
    "jaccard",
    "matthews_corrcoef",
    "neg_brier_score",
    "neg_log_loss",
    "positive_likelihood_ratio",
    "precision",
    "recall_weighted",
    "roc_auc",
    "adjusted_rand_score",
]
MULTICLASS = [
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "f1_weighted",
    "matthews_corrcoef",
    "neg_log_loss",
    "roc_auc_ovo",
    "roc_auc_ovr",
    "top_k_accuracy",
]


@pytest.mark.parametrize(
    "name, task, single",
    [(name, "length", Ridge()) for name in REGRESSION]
    + [(name, "ill", LogisticRegression()) for name in BINARY]
    + [(name, "kind", LogisticRegression()) for name in MULTICLASS],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_complete_labels_equal_scikit_learn(name, task, single, weighted, data, types):
    X, y = data
    expected_scorer, weight = get_scorer(name), {}
    if weighted:
        if name in ("roc_auc_ovo", "positive_likelihood_ratio", "adjusted_rand_score"):
            pytest.skip("takes no weights")
        weight["sample_weight"] = np.random.default_rng(1).uniform(0.5, 2, size=120)
    expected = expected_scorer(single.fit(X[:60], y[task][:60]), X, y[task], **weight)
    model = IndependentTasks(tasks={task: types[task]}).fit(X[:60], y[[task]][:60])
    scorer = make_multitask_scorer(name)
    assert scorer(model, X, y[[task]], **weight) == expected
    assert scorer(single, X, y[task], **weight) == expected


def test_gaps_equal_scikit_learn_on_the_observed_rows(data, types):
    X, y = data
    gaps = y.mask(np.random.default_rng(2).random(y.shape) < 0.3)
    model = IndependentTasks(tasks=types).fit(X, gaps)
    scorer = make_multitask_scorer(
        {"regression": "r2", "binary": "roc_auc", "multiclass": "neg_log_loss"}, average=None
    )
    scores = scorer(model, X, gaps)
    for t, name in enumerate(y):
        rows = gaps[name].notna().to_numpy()
        metric = {"ill": "roc_auc", "kind": "neg_log_loss"}.get(name, "r2")
        alone = model.estimators_[t]
        assert scores[name] == pytest.approx(
            get_scorer(metric)(alone, X[rows], gaps[name][rows]), rel=1e-12
        )
    assert scores["mean"] == pytest.approx(np.mean([scores[name] for name in y]), rel=1e-12)


def test_any_value_beside_weight_zero(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    weight = (np.random.default_rng(3).random(y.shape) < 0.7).astype(float)
    scorer = make_multitask_scorer({"regression": "r2", "classification": "neg_log_loss"})
    assert scorer(model, X, y, sample_weight=weight) == scorer(model, X, y.mask(weight == 0))


def test_average(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    r2 = [r2_score(y[name], model.predict(X)[:, t]) for t, name in enumerate(["length", "width"])]
    assert make_multitask_scorer("r2")(model, X, y) == np.mean(r2)
    assert make_multitask_scorer("r2", average="worst")(model, X, y) == min(r2)
    scores = make_multitask_scorer("r2", average=None)(model, X, y)
    assert scores == {"mean": np.mean(r2), "worst": min(r2), "length": r2[0], "width": r2[1]}


def test_default_is_the_tasks_own_score(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    assert make_multitask_scorer(average=None)(model, X, y) == task_scores(model, X, y)
    assert make_multitask_scorer()(model, X, y) == model.score(X, y)
    ridge = Ridge().fit(X, y[["length", "width"]])
    assert make_multitask_scorer()(ridge, X, y[["length", "width"]]) == pytest.approx(
        ridge.score(X, y[["length", "width"]])
    )
    logistic = LogisticRegression().fit(X, y["kind"])
    assert make_multitask_scorer()(logistic, X, y["kind"]) == logistic.score(X, y["kind"])


class TestMetrics:
    """What `metric` may be."""

    def test_function(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        expected = np.mean(
            [mean_squared_error(y[n], model.predict(X)[:, t]) for t, n in enumerate(list(y)[:2])]
        )
        scorer = make_multitask_scorer(mean_squared_error, greater_is_better=False)
        assert scorer(model, X, y) == -expected

    def test_function_of_the_user_is_for_all_tasks(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)

        def share_equal(y_true, y_pred):
            return np.mean(y_true == y_pred)

        scores = make_multitask_scorer(share_equal, average=None)(model, X, y)
        assert scores["length"] == 0
        assert scores["kind"] == np.mean(model.predict(X)[:, 3] == y["kind"])

    def test_function_of_probabilities(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        scorer = make_multitask_scorer(
            log_loss, greater_is_better=False, response_method="predict_proba", average=None
        )
        scores = scorer(model, X, y)
        assert scores["kind"] == -log_loss(y["kind"], model.predict_proba(X)[3])

    def test_scorer(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        f2 = make_multitask_scorer(make_scorer(fbeta_score, beta=2, average="macro"), average=None)
        expected = fbeta_score(y["kind"], model.predict(X)[:, 3], beta=2, average="macro")
        assert f2(model, X, y)["kind"] == expected
        pinball = make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False)
        expected = -mean_pinball_loss(y["width"], model.predict(X)[:, 1], alpha=0.9)
        assert make_multitask_scorer(pinball, average=None)(model, X, y)["width"] == expected

    def test_dict(self, data):
        X, y = data
        y = y.assign(visits=np.random.default_rng(0).poisson(2.0, size=120))
        tasks = ["regression", "regression", "binary", "multiclass", "count"]
        model = IndependentTasks(tasks=tasks).fit(X, y)

        def keys(metric):
            return list(make_multitask_scorer(metric, average=None)(model, X, y))

        assert keys({"regression": "r2"}) == ["mean", "worst", "length", "width", "visits"]
        assert keys({"count": "neg_mean_poisson_deviance"}) == ["mean", "worst", "visits"]
        assert keys({"classification": "accuracy"}) == ["mean", "worst", "ill", "kind"]
        both = make_multitask_scorer(
            {"classification": "accuracy", "binary": "roc_auc"}, average=None
        )(model, X, y)
        assert both["ill"] == get_scorer("roc_auc")(model.estimators_[2], X, y["ill"])
        assert both["kind"] == get_scorer("accuracy")(model.estimators_[3], X, y["kind"])

    def test_a_type_that_may_change_between_folds_keeps_its_key(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        for metric in ({"binary": "roc_auc"}, "f1"):
            scores = make_multitask_scorer(metric, average=None)(model, X, y)
            assert list(scores) == ["mean", "worst", "ill", "kind"]
            assert np.isnan(scores["kind"])
            assert scores["mean"] == scores["ill"]

    def test_no_task_fits(self, data):
        X, y = data
        model = IndependentTasks(tasks="multiclass").fit(X, y[["kind"]])
        for metric in ("r2", "f1", {"regression": "r2", "binary": "roc_auc"}):
            scorer = make_multitask_scorer(metric)
            with pytest.raises(ValueError, match=r"is for none of the task types \['multiclass'\]"):
                scorer(model, X, y[["kind"]])

    def test_errors_at_once(self):
        with pytest.raises(ValueError, match="'nonsense' is not a valid scoring"):
            make_multitask_scorer("nonsense")
        with pytest.raises(
            ValueError, match="average='median'; expected 'mean', 'worst', 'weighted'"
        ):
            make_multitask_scorer("r2", average="median")


def test_shape_of_y(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    weight = np.random.default_rng(1).uniform(0.5, 2, size=y.shape)
    scores = make_multitask_scorer("r2", average=None)(model, X, y, sample_weight=weight)
    prediction = model.predict(X)
    for t, name in enumerate(["length", "width"]):
        assert scores[name] == r2_score(y[name], prediction[:, t], sample_weight=weight[:, t])


def test_metric_that_takes_none(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    scorer = make_multitask_scorer(max_error, greater_is_better=False)
    half = (np.arange(120) % 2).astype(float)
    rows = half > 0
    assert scorer(model, X, y, sample_weight=half) == scorer(model, X[rows], y[rows])
    with pytest.raises(ValueError, match=r"Task length .* max_error takes no sample_weight"):
        scorer(model, X, y, sample_weight=half + 1)


def test_long_form():
    rng = np.random.default_rng(0)
    X_list = [rng.normal(size=(40, 3)) for _ in range(3)]
    y_list = [np.where(X @ [1, 2, 3] + rng.normal(size=40) > 0, "yes", "no") for X in X_list]
    X, y = stack_tasks(X_list, y_list)
    model = IndependentTasks(task_feature=0).fit(X, y)
    scores = make_multitask_scorer("roc_auc", average=None)(model, X, y)
    assert list(scores) == ["mean", "worst", "0", "1", "2"]
    for t in range(3):
        expected = roc_auc_score(y_list[t], model.predict_proba(X[X[:, 0] == t])[:, 1])
        assert scores[str(t)] == expected


def test_declared_classes_and_class_weights_do_not_weigh_the_score(data):
    X, y = data
    balanced = Binary(class_weight={0: 1.0, 1: 50.0})
    model = IndependentTasks(tasks=[balanced, Multiclass(classes=[1, 2, 3, 4])])
    model.fit(X, y[["ill", "kind"]])
    scores = make_multitask_scorer("accuracy", average=None)(model, X, y[["ill", "kind"]])
    assert scores["ill"] == np.mean(model.predict(X)[:, 0] == y["ill"])
    assert np.isfinite(make_multitask_scorer("neg_log_loss")(model, X, y[["ill", "kind"]]))
