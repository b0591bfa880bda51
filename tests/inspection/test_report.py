"""The numbers of the report are those of the functions that it stands for."""

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_backend
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import IndependentTasks, MultiTaskLinearRegressor, make_multitask_scorer, task_scores
from skmtl.inspection import task_affinity, task_importance, transfer_gain
from skmtl.inspection._verdict import say_of_all
from skmtl.inspection.report import MultiTaskReport
from skmtl.model_selection import MultiTaskShuffleSplit
from skmtl.tasks import LabelWarning
from tests.inspection.reporting import linear, mixed_data, network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
KEYS = ["pressure", "relapse", "stage", "visits"]
SPLITTER = KFold(3, shuffle=True, random_state=0)
TYPES = ["regression", "binary", "multiclass", "count"]
HALVES = KFold(2, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def evaluated():
    """A report with splits, and what it was made of."""
    X, y = mixed_data(90)
    return MultiTaskReport(linear(tasks=TYPES), X, y, SPLITTER), X, y


def without_summaries(scores):
    return {key: score for key, score in scores.items() if key not in ("mean", "worst")}


def test_scores_on_the_data_given():
    X, y = mixed_data(90)
    model = linear(tasks=TYPES).fit(X, y)
    report = MultiTaskReport(model, X, y)
    frame = report.to_frame()
    assert frame.index.to_list() == KEYS
    assert frame["score"].to_dict() == without_summaries(task_scores(model, X, y))
    assert frame["labels"].to_list() == y.notna().sum().to_list()
    assert frame["coverage"].to_list() == y.notna().mean().to_list()
    assert frame["type"].to_list() == TYPES
    units = ["mae", "accuracy", "roc_auc"]
    assert list(frame) == ["type", "labels", "coverage", "score", *units, "rank"]
    assert report.gain is None


def test_scores_on_unseen_rows(evaluated):
    report, X, y = evaluated
    by_split = pd.DataFrame(
        [
            without_summaries(
                task_scores(
                    linear(tasks=TYPES).fit(X.iloc[train], y.iloc[train]),
                    X.iloc[test],
                    y.iloc[test],
                )
            )
            for train, test in SPLITTER.split(X, y)
        ]
    )
    frame = report.to_frame()
    assert_array_equal(frame["cv_score"], by_split.to_numpy().mean(axis=0))
    assert_array_equal(frame["cv_std"], by_split.to_numpy().std(axis=0))
    assert frame["score"].to_dict() == without_summaries(
        task_scores(linear(tasks=TYPES).fit(X, y), X, y)
    )


def test_gain_and_affinity_are_those_of_the_functions(evaluated):
    report, X, y = evaluated
    gain = transfer_gain(linear(tasks=TYPES), X, y, cv=SPLITTER)
    frame = report.to_frame()
    assert_array_equal(frame["gain"], gain.gain)
    assert_array_equal(frame[["gain_low", "gain_high"]], gain.interval)
    assert_array_equal(report.gain.fold_gains, gain.fold_gains)
    says = np.where(gain.is_positive, "helps", np.where(gain.is_negative, "harms", "unclear"))
    assert frame["sharing"].to_list() == says.tolist()
    affinity = task_affinity(linear(tasks=TYPES), X, y, method="coef_cosine")
    assert_array_equal(report.affinity.affinity, affinity.affinity)


def test_shares_are_of_all_folds_beside_the_best_constant(evaluated):
    report, X, y = evaluated
    frame, labels = report.to_frame(), y["pressure"].to_numpy()
    loss = constant = 0.0
    for train, test in SPLITTER.split(X, y):
        model = linear(tasks=TYPES).fit(X.iloc[train], y.iloc[train])
        train, test = train[~np.isnan(labels[train])], test[~np.isnan(labels[test])]
        predicted = model.predict(X.iloc[test])[:, 0].astype(float)
        loss += np.sum((labels[test] - predicted) ** 2)
        constant += np.sum((labels[test] - labels[train].mean()) ** 2)
    assert frame.loc["pressure", "explained"] == pytest.approx(1 - loss / constant, rel=1e-6)
    inside = frame["explained"].between(frame["explained_low"], frame["explained_high"])
    assert inside.all()


def test_measures_in_units_are_those_of_scikit_learn(evaluated):
    report, X, y = evaluated
    found = {"mae": [], "accuracy": [], "roc_auc": []}
    for train, test in SPLITTER.split(X, y):
        model = linear(tasks=TYPES).fit(X.iloc[train], y.iloc[train])
        rows, predicted = y.iloc[test], pd.DataFrame(model.predict(X.iloc[test]), columns=KEYS)
        rows, seen = rows.reset_index(drop=True), rows.reset_index(drop=True).notna()
        of = seen["pressure"]
        found["mae"].append(
            mean_absolute_error(rows["pressure"][of], predicted["pressure"][of].astype(float))
        )
        of = seen["relapse"].to_numpy()
        labels = rows["relapse"][of].to_list()
        found["accuracy"].append(accuracy_score(labels, predicted["relapse"][of].to_list()))
        probability = model.predict_proba(X.iloc[test])[1][of, 1]
        found["roc_auc"].append(roc_auc_score(labels, probability))
    frame = report.to_frame()
    for task, name in (("pressure", "mae"), ("relapse", "accuracy"), ("relapse", "roc_auc")):
        assert frame.loc[task, name] == pytest.approx(np.mean(found[name]), rel=1e-9)
    assert frame["roc_auc"].isna().to_list() == [True, False, True, True]
    assert frame["mae"].isna().to_list() == [False, True, True, False]


def test_importance_is_that_of_the_folds(evaluated):
    report, X, y = evaluated
    parts = [
        task_importance(
            linear(tasks=TYPES).fit(X.iloc[train], y.iloc[train]),
            X.iloc[test],
            y.iloc[test],
            n_repeats=1,
            random_state=0,
        ).importance
        for train, test in SPLITTER.split(X, y)
    ]
    np.testing.assert_allclose(report.importance.importance, np.mean(parts, axis=0), rtol=1e-12)
    assert MultiTaskReport(linear(tasks=TYPES), X, y, importance=None).importance is None


def test_the_verdict_comes_first(evaluated):
    report, X, y = evaluated
    assert report.verdict.startswith(say_of_all(report.gain))
    assert repr(report).startswith(f"MultiTaskReport of 4 tasks. {report.verdict}")
    assert "give cv" in MultiTaskReport(linear(tasks=TYPES), X, y).verdict
    page = report.to_html()
    assert page.index("conclusion") < page.index('class="tiles"')


def test_no_object_address_is_shown():
    X, y = mixed_data(60)
    page = MultiTaskReport(linear(tasks=TYPES).fit(X, y).set_params(solver=object()), X, y)
    assert " at 0x" not in page.to_html()


def test_rank_best_worst_and_difference(evaluated):
    report, _, _ = evaluated
    frame = report.to_frame()
    assert frame["rank"].to_list() == frame["explained"].rank(ascending=False).to_list()
    measures = ["score", "cv_score", "explained", "gain"]
    assert report.best == frame[measures].max().to_dict()
    assert report.worst == frame[measures].min().to_dict()
    assert report.overall == pytest.approx(frame[measures].mean().to_dict(), rel=1e-12)
    for name in measures:
        assert report.difference[name] == report.best[name] - report.worst[name]


def test_metric_baseline_and_confidence():
    X, y = mixed_data(90)
    metric = {"regression": "r2", "binary": "roc_auc"}
    model = linear(tasks=TYPES).fit(X, y)
    report = MultiTaskReport(
        model, X, y, SPLITTER, metric=metric, baseline=IndependentTasks(), confidence=0.5
    )
    expected = make_multitask_scorer(metric, average=None)(model, X, y)
    frame = report.to_frame()
    assert frame["score"].dropna().to_dict() == pytest.approx(
        {key: expected[key] for key in KEYS if not np.isnan(expected.get(key, np.nan))}
    )
    assert np.isnan(frame.loc["stage", "score"])
    assert np.isnan(frame.loc["stage", "rank"])
    gain = transfer_gain(
        linear(tasks=TYPES), X, y, baseline=IndependentTasks(), cv=SPLITTER, confidence=0.5
    )
    assert_array_equal(report.gain.interval, gain.interval)


@pytest.mark.parametrize("affinity", [None, "pairwise"])
def test_method_of_affinity(affinity):
    X, y = mixed_data(60)
    y = y[["pressure", "visits"]]
    report = MultiTaskReport(linear(), X, y, affinity=affinity)
    if affinity is None:
        assert report.affinity is None
    else:
        expected = task_affinity(linear(), X, y, method=affinity)
        assert_array_equal(report.affinity.affinity, expected.affinity)


def test_a_network_is_watched_by_its_gradients():
    X, y = mixed_data(60)
    y = y[["pressure", "visits"]]
    model = network().fit(X, y)
    report = MultiTaskReport(model, X, y)
    assert report.affinity.method == "grad_cosine"
    for t, task in enumerate(report._findings.tasks):
        assert_array_equal(task.curves["loss"], model.history_["loss"][:, t])
    apart = network(architecture="independent")
    assert MultiTaskReport(apart, X, y).affinity is None
    with pytest.raises(ValueError, match="share"):
        MultiTaskReport(apart, X, y, affinity="grad_cosine")


@pytest.mark.parametrize("wrap", ["pipeline", "search", "search of pipeline"])
def test_pipelines_and_searches(wrap):
    X, y = mixed_data(60)
    y = y[["pressure", "relapse"]]
    pipeline = make_pipeline(StandardScaler(), linear())
    model = {
        "pipeline": pipeline,
        "search": GridSearchCV(linear(), {"alpha": [0.05]}, cv=2),
        "search of pipeline": GridSearchCV(pipeline, {"multitasklinear__alpha": [0.05]}, cv=2),
    }[wrap]
    report = MultiTaskReport(model, X, y, HALVES)
    same = linear() if wrap == "search" else pipeline
    expected = MultiTaskReport(same, X, y, HALVES)
    pd.testing.assert_frame_equal(report.to_frame(), expected.to_frame())
    assert_array_equal(report.affinity.affinity, expected.affinity.affinity)
    assert not hasattr(model, "best_estimator_")
    fitted = clone(model).fit(X, y)
    again = MultiTaskReport(fitted, X, y).to_frame()
    assert_array_equal(again["score"], expected.to_frame()["score"])


def test_long_form_equals_a_column_a_task():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 2)), rng.normal(size=90)
    index = np.repeat([3.0, 7.0, 5.0], 30)
    y[:5] = np.nan
    wide = np.where(index[:, None] == [3, 5, 7], y[:, None], np.nan)
    model = MultiTaskLinearRegressor("l21", alpha=0.1, intercept_alpha=0.0)
    splits = list(KFold(3, shuffle=True, random_state=0).split(X))
    long_form = MultiTaskReport(
        clone(model).set_params(task_feature=2), np.column_stack([X, index]), y, splits
    )
    columns = MultiTaskReport(model, X, wide, splits)
    frame, expected = long_form.to_frame(), columns.to_frame()
    assert frame.index.to_list() == ["3", "5", "7"]
    assert frame["labels"].to_list() == [25, 30, 30]
    assert frame["coverage"].to_list() == [25 / 30, 1.0, 1.0]
    for name in ("score", "cv_score", "gain"):
        np.testing.assert_allclose(frame[name], expected[name], rtol=1e-6)


def test_one_task():
    X, y = mixed_data(60)
    report = MultiTaskReport(MultiTaskLinearRegressor(alpha=0.1), X, y["pressure"], HALVES)
    assert report.gain is None
    assert report.affinity is None
    assert report.to_frame().index.to_list() == ["0"]


def test_weight_zero_is_unobserved():
    X, y = mixed_data(60)
    y = y[["pressure", "visits"]]
    weight = np.random.default_rng(0).integers(0, 3, size=y.shape).astype(float)
    splits = list(SPLITTER.split(X))
    gaps = MultiTaskReport(linear(), X, y.mask(weight == 0), splits, sample_weight=weight)
    given = MultiTaskReport(linear(), X, y.where(weight > 0, 77.0), splits, sample_weight=weight)
    pd.testing.assert_frame_equal(gaps.to_frame(), given.to_frame())
    assert gaps.to_html() == given.to_html()


def test_every_row_is_predicted_once_by_a_model_that_has_not_seen_it(evaluated):
    report, X, y = evaluated
    task = report._findings.tasks[0]
    seen = np.flatnonzero(y["pressure"].notna())
    assert_array_equal(task.predictions.rows, seen)
    for train, test in SPLITTER.split(X, y):
        model = linear(tasks=TYPES)
        model.fit(X.iloc[train], y.iloc[train])
        rows = np.intersect1d(test, seen)
        expected = model.predict(X.iloc[rows])[:, 0].astype(float)
        assert_array_equal(task.predictions.expected[np.searchsorted(seen, rows)], expected)


def test_rows_that_are_tested_twice_or_never():
    X, y = mixed_data(60)
    splitter = MultiTaskShuffleSplit(4, test_size=0.2, random_state=0)
    report = MultiTaskReport(linear(), X, y, splitter)
    tested = np.unique(np.concatenate([test for _, test in splitter.split(X, y)]))
    for task, name in zip(report._findings.tasks, y, strict=True):
        assert_array_equal(task.predictions.rows, tested[y[name].iloc[tested].notna()])


def test_a_class_that_a_split_lacks_has_probability_zero():
    X, y = mixed_data(60)
    y.loc[y["stage"] == "III", "stage"] = np.nan
    y.iloc[[44, 49], 2] = "III"
    splits = [(np.arange(20, 60), np.arange(20)), (np.arange(40), np.arange(40, 60))]
    task = MultiTaskReport(linear(), X, y, splits)._findings.tasks[2]
    is_lacking = task.predictions.rows >= 40
    assert (task.predictions.expected[is_lacking, 2] == 0).all()
    assert (task.predictions.expected[~is_lacking, 2] > 0).all()
    np.testing.assert_allclose(task.predictions.expected.sum(axis=1), 1.0)


def test_names_of_fit_and_of_the_report_may_differ():
    X, y = mixed_data(60)
    y = y[["pressure", "visits"]]
    model = linear(tasks=["regression", "count"]).fit(X, y.to_numpy())
    frame = MultiTaskReport(model, X, y, HALVES).to_frame()
    expected = MultiTaskReport(linear(tasks=["regression", "count"]), X, y, HALVES).to_frame()
    pd.testing.assert_frame_equal(frame, expected)
    named = linear(tasks={"visits": "count"}).fit(X, y)
    other_order = MultiTaskReport(named, X, y[["visits", "pressure"]]).to_frame()
    assert other_order["score"].to_dict() == expected["score"].to_dict()


def test_a_task_without_labels():
    X, y = mixed_data(60)
    y["pressure"] = np.nan
    with pytest.warns(UserWarning, match="'pressure'"):
        report = MultiTaskReport(linear(tasks={"pressure": "regression"}), X, y, HALVES)
    frame = report.to_frame()
    assert frame.loc["pressure", ["labels", "coverage"]].to_list() == [0, 0.0]
    assert frame.loc["pressure", "sharing"] == "unknown"
    assert frame.loc["pressure", ["score", "cv_score", "gain", "rank"]].isna().all()
    assert report.overall["score"] == pytest.approx(frame["score"].mean())
    assert "There is no label to compare predictions with." in report.to_html()


ONE_LABEL = {
    "bool": True,
    "string": "yes",
    "number": 1.5,
    "zero": 0.0,
}


@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("label", ONE_LABEL.values(), ids=ONE_LABEL)
@pytest.mark.parametrize("is_alone", [True, False])
def test_a_task_with_a_single_label(is_alone, label, cv):
    X, y = mixed_data(60)
    single = np.full(60, None, dtype=object)
    single[7] = label
    frame = pd.DataFrame({"single": single}, index=y.index)
    frame = frame if is_alone else frame.assign(pressure=y["pressure"])
    report = MultiTaskReport(linear(), X, frame, cv)
    found = report.to_frame()
    assert found["labels"].iloc[0] == 1
    if cv:
        # What cannot be held out and learned has no score on unseen rows, and no gain.
        assert np.isnan(found["cv_score"].iloc[0])
        assert is_alone or found.loc["single", "sharing"] == "unknown"
    assert is_alone or np.isfinite(found.loc["pressure", "cv_score" if cv else "score"])
    assert "single" in report.to_html()


@pytest.mark.parametrize("cv", [None, 3, HALVES])
@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_a_task_of_one_row_in_long_form(kind, cv):
    X, y = mixed_data(60)
    labels = np.where(y["relapse"].notna(), y["pressure"].fillna(120.0), np.nan)
    if kind == "classification":
        labels = np.where(np.isnan(labels), None, np.where(labels > 120, "high", "low"))
    frame = X.assign(ward=["lonely", *(["north"] * 30), *(["south"] * 29)])
    labels[0] = 120.0 if kind == "regression" else "high"
    # In a split it cannot be both learned and scored.
    with pytest.warns(LabelWarning, match="'lonely'") if cv is not None else nullcontext():
        report = MultiTaskReport(linear(task_feature="ward"), frame, labels, cv)
    found = report.to_frame()
    assert found.index.to_list() == ["lonely", "north", "south"]
    assert found.loc["lonely", "labels"] == 1
    if cv is not None:
        assert found["cv_score"].isna().to_list() == [True, False, False]
        assert found["sharing"].to_list()[0] == "unknown"
    assert "lonely" in report.to_html()


def test_folds_without_a_task_that_has_a_weight():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(31, 3)), columns=list("xyz"))
    X["ward"], y = ["a"] * 15 + ["b"] * 15 + ["c"], rng.normal(size=31)
    splits = [(np.arange(0, 30, 2), np.arange(1, 30, 2))]
    model, of_two = (
        linear(task_feature="ward", task_weight=weight)
        for weight in ({"a": 2.0, "b": 3.0, "c": 5.0}, {"a": 2.0, "b": 3.0})
    )
    found, expected = (MultiTaskReport(m, X, y, splits).to_frame() for m in (model, of_two))
    np.testing.assert_array_equal(found["cv_score"], expected["cv_score"])
    assert np.isfinite(found["cv_score"]).to_list() == [True, True, False]


def test_folds_that_hold_most_of_the_labels_back_are_told():
    X, y = mixed_data(60)
    frame = pd.concat([X.assign(ward=ward) for ward in ("a", "b", "c")])
    labels = np.tile(y["pressure"].fillna(120.0), 3)
    blocks = [np.arange(60 * k, min(60 * k + 70, 180)) for k in range(3)]
    splits = [(np.setdiff1d(np.arange(180), block), block) for block in blocks]
    with pytest.warns(UserWarning, match=r"Scores rest on \d+ of \d+ held-out labels.*sorted by"):
        report = MultiTaskReport(linear(task_feature="ward"), frame, labels, splits)
    assert report.to_frame()["cv_score"].isna().to_list() == [True, False, False]


def test_nothing_given_is_changed():
    X, y = mixed_data(60)
    X_before, y_before = X.copy(), y.copy()
    model = linear()
    state = dict(vars(model))
    MultiTaskReport(model, X, y, HALVES)
    assert vars(model) == state
    pd.testing.assert_frame_equal(X, X_before)
    pd.testing.assert_frame_equal(y, y_before)


def test_n_jobs_and_time_change_nothing(evaluated):
    report, X, y = evaluated
    with parallel_backend("threading"):
        again = MultiTaskReport(linear(tasks=TYPES), X, y, SPLITTER, n_jobs=2)
    assert again.to_html() == report.to_html()


def test_an_estimator_of_others_is_refused():
    X, y = mixed_data(20)
    with pytest.raises(TypeError, match=r"Ridge\(\) is none of skmtl"):
        MultiTaskReport(Ridge(), X, y)


def test_frame_without_pandas(evaluated, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match="to_frame needs pandas: pip install pandas"):
        evaluated[0].to_frame()
    assert evaluated[0].overall["score"] > 0
