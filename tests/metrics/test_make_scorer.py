"""scikit-learn's own numbers, task by task."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
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
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

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


@pytest.fixture
def data():
    """Complete labels: y of three types, and features that explain part of each."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    y = pd.DataFrame(
        {
            "length": X @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=120),
            "width": X @ [0.0, 1.0, 0.5, 1.0] + rng.normal(size=120),
            "ill": (X[:, 0] + rng.normal(size=120) > 0).astype(int),
            "kind": np.digitize(X[:, 1] + rng.normal(size=120), [-0.5, 0.5]) + 1,
        }
    )
    return X, y


@pytest.fixture
def types():
    return {"length": "regression", "width": "regression", "ill": "binary", "kind": "multiclass"}


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
    assert scores == {"mean": np.mean(r2), "length": r2[0], "width": r2[1]}


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

        assert keys({"regression": "r2"}) == ["mean", "length", "width", "visits"]
        assert keys({"count": "neg_mean_poisson_deviance"}) == ["mean", "visits"]
        assert keys({"classification": "accuracy"}) == ["mean", "ill", "kind"]
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
            assert list(scores) == ["mean", "ill", "kind"]
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
        with pytest.raises(ValueError, match="names the task type 'text'; expected some of"):
            make_multitask_scorer({"text": "r2"})
        with pytest.raises(ValueError, match="average='median'; expected 'mean', 'worst' or None"):
            make_multitask_scorer("r2", average="median")


class TestClasses:
    """Folds and labels that scikit-learn's scorers alone would stumble over."""

    @pytest.mark.parametrize("labels", [["no", "yes"], [1, 2], [False, True], [-1, 1]])
    def test_positive_class(self, labels, data):
        X, y = data
        named = np.array(labels, dtype=object)[y["ill"]]
        model = IndependentTasks(tasks="binary").fit(X, named)
        codes = LogisticRegression().fit(X, y["ill"])
        first_is_positive = labels == [1, 2]  # scikit-learn's default names the label 1
        for metric in ("f1", "roc_auc", "average_precision", "neg_brier_score", "precision"):
            score = make_multitask_scorer(metric)(model, X, named)
            if metric in ("f1", "precision", "average_precision") and first_is_positive:
                flipped = LogisticRegression().fit(X, 1 - y["ill"])
                expected = get_scorer(metric)(flipped, X, 1 - y["ill"])
            else:
                expected = get_scorer(metric)(codes, X, y["ill"])
            assert score == pytest.approx(expected, rel=1e-6), metric

    def test_fold_without_one_of_the_classes(self, data):
        X, y = data
        model = IndependentTasks(tasks="multiclass").fit(X, y["kind"])
        rows = (y["kind"] != 2).to_numpy()
        score = make_multitask_scorer("neg_log_loss")(model, X[rows], y["kind"][rows])
        proba = model.predict_proba(X[rows])
        assert score == -log_loss(y["kind"][rows], proba, labels=[1, 2, 3])
        with pytest.warns(UndefinedMetricWarning):
            score = make_multitask_scorer("roc_auc")(model, X[rows], y["kind"][rows])
        assert np.isnan(score)
        assert np.isnan(make_multitask_scorer("average_precision")(model, X[rows], y["kind"][rows]))

    def test_one_class_is_left_out_of_the_average(self, data):
        X, y = data
        y = y[["ill", "kind"]].assign(second=1 - y["ill"])
        model = IndependentTasks(tasks=["binary", "multiclass", "binary"]).fit(X, y)
        rows = (y["ill"] == 1).to_numpy()
        gaps = y.astype(float)
        gaps.loc[~rows, "ill"] = np.nan
        with pytest.warns(UndefinedMetricWarning):
            scores = make_multitask_scorer("roc_auc", average=None)(model, X, gaps)
        assert np.isnan(scores["ill"])
        assert scores["mean"] == (scores["kind"] + scores["second"]) / 2

    @pytest.mark.filterwarnings("ignore:.*one observed class")
    def test_constant_task(self, data):
        X, _ = data
        labels = np.ones(120, dtype=int)
        model = IndependentTasks(tasks="binary").fit(X, labels)
        assert make_multitask_scorer("accuracy")(model, X, labels) == 1
        assert make_multitask_scorer("f1_macro")(model, X, labels) == 1
        for metric in ("roc_auc", "neg_log_loss", "f1", "neg_brier_score"):
            assert np.isnan(make_multitask_scorer(metric)(model, X, labels)), metric

    @pytest.mark.parametrize("names", [[1, 2, 3], ["a", "b", "c"]])
    def test_class_unseen_in_fit_is_a_miss(self, names, data):
        X, y = data
        labels = np.array(names, dtype=object)[y["kind"] - 1]
        train = labels != names[1]
        model = IndependentTasks(tasks="multiclass").fit(X[train], labels[train])
        hits = model.predict(X[train]) == labels[train]
        assert make_multitask_scorer("accuracy")(model, X, labels) == hits.sum() / 120
        proba = np.zeros((120, 3))
        proba[:, [0, 2]] = model.predict_proba(X)
        expected = -log_loss(labels.tolist(), proba)
        assert make_multitask_scorer("neg_log_loss")(model, X, labels) == expected
        assert make_multitask_scorer("roc_auc")(model, X, labels) == roc_auc_score(
            labels.tolist(), proba, multi_class="ovr"
        )
        assert np.isnan(make_multitask_scorer("f1")(model, X, labels))

    def test_strings_for_numbers(self, data):
        X, y = data
        model = IndependentTasks(tasks="binary").fit(X, y["ill"])
        with pytest.raises(ValueError, match="write both as strings or both as numbers"):
            make_multitask_scorer("accuracy")(model, X, y["ill"].astype(str))

    def test_task_without_labels_in_the_fold(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        scores = make_multitask_scorer("r2", average=None)(model, X, y.assign(length=np.nan))
        assert np.isnan(scores["length"])
        assert scores["mean"] == scores["width"]


class TestWeights:
    def test_shape_of_y(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        weight = np.random.default_rng(1).uniform(0.5, 2, size=y.shape)
        scores = make_multitask_scorer("r2", average=None)(model, X, y, sample_weight=weight)
        prediction = model.predict(X)
        for t, name in enumerate(["length", "width"]):
            assert scores[name] == r2_score(y[name], prediction[:, t], sample_weight=weight[:, t])

    def test_metric_that_takes_none(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        scorer = make_multitask_scorer(max_error, greater_is_better=False)
        half = (np.arange(120) % 2).astype(float)
        rows = half > 0
        assert scorer(model, X, y, sample_weight=half) == scorer(model, X[rows], y[rows])
        with pytest.raises(ValueError, match=r"Task length .* max_error takes no sample_weight"):
            scorer(model, X, y, sample_weight=half + 1)


class TestInScikitLearn:
    """The scorer as an object, and in the tools of scikit-learn."""

    def test_clone_pickle_repr(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        scorer = make_multitask_scorer({"regression": "r2", "binary": "roc_auc"}, average="worst")
        for twin in (clone(scorer), pickle.loads(pickle.dumps(scorer))):
            assert twin(model, X, y) == scorer(model, X, y)
        assert "roc_auc" in repr(scorer)
        assert "worst" in repr(scorer)

    def test_search(self, data, types):
        X, y = data
        y = y.mask(np.random.default_rng(2).random(y.shape) < 0.3)
        model = make_pipeline(StandardScaler(), IndependentTasks(Ridge(), tasks=types))
        grid = {"independenttasks__regressor__alpha": [1.0, 1e5]}
        scorer = make_multitask_scorer("r2")
        search = GridSearchCV(model, grid, scoring=scorer, cv=3, n_jobs=2).fit(X, y)
        assert search.best_params_ == {"independenttasks__regressor__alpha": 1.0}
        each = make_multitask_scorer("r2", average=None)
        several = GridSearchCV(model, grid, scoring=each, refit="mean", cv=3).fit(X, y)
        assert (
            several.cv_results_["mean_test_mean"] == search.cv_results_["mean_test_score"]
        ).all()
        assert {"mean_test_length", "mean_test_width"} <= set(several.cv_results_)
        assert scorer(search, X, y) == scorer(search.best_estimator_, X, y)
        named = {"r2": scorer, "auc": make_multitask_scorer("roc_auc")}
        result = cross_validate(model, X, y, scoring=named, cv=3)
        assert np.isfinite(result["test_r2"]).all()
        assert np.isfinite(result["test_auc"]).all()

    def test_sample_weight_reaches_it(self, data, types):
        X, y = data
        weight = np.random.default_rng(1).uniform(0.5, 2, size=y.shape)
        seen = []

        def r2(y_true, y_pred, sample_weight=None):
            seen.append(sample_weight is not None)
            return r2_score(y_true, y_pred, sample_weight=sample_weight)

        scorer = make_multitask_scorer({"regression": r2})
        model = IndependentTasks(Ridge(), tasks=types)
        if hasattr(GridSearchCV, "_check_scorers_accept_sample_weight"):
            GridSearchCV(model, {"regressor__alpha": [1.0]}, scoring=scorer, cv=2).fit(
                X, y, sample_weight=weight
            )
            assert seen
            assert all(seen)
        seen.clear()
        with sklearn.config_context(enable_metadata_routing=True):
            search = GridSearchCV(
                model.set_fit_request(sample_weight=True),
                {"regressor__alpha": [1.0]},
                scoring=scorer.set_score_request(sample_weight=True),
                cv=2,
            )
            search.fit(X, y, sample_weight=weight)
        assert seen
        assert all(seen)

    def test_cross_val_score(self, data, types):
        X, y = data
        scores = cross_val_score(
            IndependentTasks(tasks=types), X, y, scoring=make_multitask_scorer("r2"), cv=4
        )
        assert (scores > 0.5).all()


class TestOtherEstimators:
    """scikit-learn's multi-output estimators against labels with gaps."""

    @pytest.mark.parametrize(
        "regressor", [Ridge(), RandomForestRegressor(n_estimators=5, random_state=0)]
    )
    def test_regressor(self, regressor, data):
        X, y = data
        y = y[["length", "width"]]
        regressor.fit(X, y)
        gaps = y.mask(np.random.default_rng(2).random(y.shape) < 0.3)
        scores = make_multitask_scorer("r2", average=None)(regressor, X, gaps)
        for t, name in enumerate(y):
            rows = gaps[name].notna().to_numpy()
            expected = r2_score(gaps[name][rows], regressor.predict(X)[rows, t])
            assert scores[name] == expected
        complete = make_multitask_scorer("neg_mean_squared_error")(regressor, X, y)
        assert complete == pytest.approx(-mean_squared_error(y, regressor.predict(X)))

    @pytest.mark.parametrize(
        "classifier",
        [
            RandomForestClassifier(n_estimators=5, random_state=0),
            MultiOutputClassifier(LogisticRegression()),
            make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression())),
        ],
    )
    def test_classifier(self, classifier, data):
        X, y = data
        y = y[["ill", "kind"]]
        classifier.fit(X, y)
        gaps = y.mask(np.random.default_rng(2).random(y.shape) < 0.3)
        proba = classifier.predict_proba(X)
        rows = gaps["kind"].notna().to_numpy()
        expected = log_loss(y["kind"][rows], proba[1][rows])
        scores = make_multitask_scorer("neg_log_loss", average=None)(classifier, X, gaps)
        assert scores["kind"] == -expected
        rows = gaps["ill"].notna().to_numpy()
        expected = roc_auc_score(y["ill"][rows], proba[0][rows, 1])
        scores = make_multitask_scorer("roc_auc", average=None)(classifier, X, gaps)
        assert scores["ill"] == expected
        accuracy = make_multitask_scorer("accuracy")(classifier, X, y)
        assert accuracy == pytest.approx((classifier.predict(X) == y).to_numpy().mean())

    @pytest.mark.parametrize(
        "classifier",
        [
            RidgeClassifier(),
            ClassifierChain(LogisticRegression()),
            MLPClassifier(hidden_layer_sizes=(4,), max_iter=30, random_state=0),
        ],
    )
    def test_indicator_classifier(self, classifier, data):
        X, y = data
        y = np.column_stack([y["ill"], y["kind"] > 1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            classifier.fit(X, y)
        gaps = np.where(np.random.default_rng(2).random(y.shape) < 0.3, np.nan, y)
        method = (
            "decision_function" if hasattr(classifier, "decision_function") else "predict_proba"
        )
        ranked = getattr(classifier, method)(X)
        scores = make_multitask_scorer("roc_auc", average=None)(classifier, X, gaps)
        for t in range(2):
            rows = ~np.isnan(gaps[:, t])
            assert scores[str(t)] == roc_auc_score(y[rows, t], ranked[rows, t])

    def test_wrong_number_of_columns(self, data):
        X, y = data
        ridge = Ridge().fit(X, y["length"])
        with pytest.raises(ValueError, match=r"array of shape \(120,\), but y has 2 tasks"):
            make_multitask_scorer("r2")(ridge, X, y[["length", "width"]])


def test_long_form():
    rng = np.random.default_rng(0)
    X_list = [rng.normal(size=(40, 3)) for _ in range(3)]
    y_list = [np.where(X @ [1, 2, 3] + rng.normal(size=40) > 0, "yes", "no") for X in X_list]
    X, y = stack_tasks(X_list, y_list)
    model = IndependentTasks(task_feature=0).fit(X, y)
    scores = make_multitask_scorer("roc_auc", average=None)(model, X, y)
    assert list(scores) == ["mean", "0", "1", "2"]
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
