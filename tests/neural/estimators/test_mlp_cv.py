"""Networks of several settings: what is held out, what is blended, what is kept."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit

from skmtl import MultiTaskMLP, MultiTaskMLPClassifierCV, MultiTaskMLPCV, MultiTaskMLPRegressorCV
from skmtl._blending import before_a_constant, blend_weights, mix
from skmtl.metrics import task_scores
from skmtl.neural import training
from skmtl.neural.architectures import Custom
from skmtl.neural.estimators._mlp_candidates import default_candidates
from skmtl.neural.estimators._mlp_search import _spread
from skmtl.neural.training import _stack as stacks
from skmtl.neural.training._stack import fit_stack, same_structure
from skmtl.tasks import Binary, censored
from skmtl.tasks._read_targets import read_targets

pytestmark = pytest.mark.filterwarnings("ignore:No network predicts")

GRID = {"alpha": [0.1, 3.0], "learning_rate_init": [0.01, 0.02], "max_iter": [15]}


def problem(n=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    Y = np.column_stack([X[:, 0] * X[:, 1] + X[:, 2], X[:, 2] - X[:, 3], X[:, 0] > 0])
    Y[rng.random(Y.shape) < 0.2] = np.nan
    return X, Y


def make(grid=GRID, **options):
    options = {"cv": 3, "hidden_layer_sizes": (8,), "random_state": 0, **options}
    return MultiTaskMLPCV(grid, **options)


def test_predictions_are_the_weighted_mean_of_the_members():
    X, Y = problem()
    model = make().fit(X, Y)
    members = model.member_predictions(X)
    candidate = np.array(model.members_["candidate"])
    for t, of_task in enumerate(members):
        assert len(of_task) == len(candidate)
        found = sum(
            model.weights_[c, t] * of_task[candidate == c].mean(axis=0) for c in set(candidate)
        )
        found = found + (1 - model.weights_[:, t].sum()) * model._constants[t]
        expected = model._expected(X, None)[t]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    probabilities = model.predict_proba(X)[2]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (model.weights_ >= 0).all()
    assert (model.weights_.sum(axis=0) < 1 + 1e-9).all()


def test_out_of_fold_predictions_are_by_networks_and_weights_that_have_not_seen_the_row(
    monkeypatch,
):
    # One snapshot, so that there is no choice of another.
    monkeypatch.setattr(stacks, "N_SNAPSHOTS", 1)
    monkeypatch.setattr(stacks, "EARLIEST", 1.0)
    X, Y = problem()
    folds = list(KFold(3).split(X))
    model = make(cv=folds).fit(X, Y)
    candidate, fold = (np.array(model.members_[key]) for key in ("candidate", "fold"))
    members, used = model.member_predictions(X), np.unique(candidate)
    assert len(used) == 4
    said = [[np.empty_like(of_task[0]) for of_task in members] for _ in range(5)]
    for k, (train, test) in enumerate(folds):
        for c in used:
            for t, of_task in enumerate(members):
                said[c][t][test] = of_task[(candidate == c) & (fold == k)][0][test]
        for t in range(3):
            mean = Y[train, t][~np.isnan(Y[train, t])].mean()
            said[4][t][test] = mean if t < 2 else [1 - mean, mean]
    targets = read_targets(Y)
    for train, test in folds:
        of_others, of_test = ([[c[rows] for c in m] for m in said] for rows in (train, test))
        weights = blend_weights(of_others, targets.take(train), centre=before_a_constant(5))
        for found, expected in zip(model.out_of_fold_, mix(of_test, weights), strict=True):
            np.testing.assert_allclose(found[test], expected, rtol=1e-5, atol=1e-5)


def test_a_network_depends_on_its_candidate_and_its_fold_alone():
    X, Y = problem()
    folds = list(KFold(3).split(X))
    models = [MultiTaskMLP((8,), max_iter=5, learning_rate_init=rate) for rate in (0.01, 0.03)]
    read, _ = models[0]._read_X(X, reset=True)
    targets = models[0]._read_y(read, Y, None, None)
    together = fit_stack(models, [0, 1], read, targets, folds, 7)
    alone = fit_stack(models[1:], [1], read, targets, folds[1:2], 7)
    other = fit_stack(models[1:], [1], read, targets, folds, 7)
    for name, array in other.fitted.parameters.items():
        np.testing.assert_allclose(array, together.fitted.parameters[name][3:], rtol=1e-7)
    np.testing.assert_allclose(other.raw[0], together.raw[1], rtol=1e-7)
    assert np.isnan(alone.raw[0][folds[0][1]]).all()


def test_candidates_that_differ_in_numbers_train_side_by_side():
    models = [
        MultiTaskMLP(alpha=0.1),
        MultiTaskMLP(activation="silu"),
        MultiTaskMLP(alpha=3.0, dropout=0.4, learning_rate_init=0.02),
        MultiTaskMLP(activation="silu", max_iter=7),
    ]
    assert same_structure(models) == [[0, 2], [1], [3]]


def test_what_a_candidate_names_is_what_is_trained():
    X, Y = problem()
    grid = [
        {"activation": ["tanh"], "max_iter": [5]},
        {"linear_skip": [True], "max_iter": [5], "hidden_layer_sizes": [(4, 4)]},
        {"feature_scaling": ["standard"], "numeric_embedding": ["piecewise_linear"]},
    ]
    model = make(grid).fit(X, Y)
    assert [sorted(params) for params in model.params_] == [sorted(g) for g in grid]
    assert model.cv_results_["n_iter"][0] <= 5


def test_without_a_grid():
    X, Y = problem(40)
    wide, embedded = default_candidates(np.zeros((3, 101))), default_candidates(X)
    assert len(embedded) > len(wide) > 1
    assert default_candidates(sparse.csr_array(X)) == wide
    model = MultiTaskMLPCV(cv=2, random_state=0).fit(X, Y)
    assert model.params_ == embedded
    assert model.task_scores_.shape == (3,)


def test_scores():
    X, Y = problem()
    model = make().fit(X, Y)
    assert model.cv_results_["rank_test_score"].min() == 1
    first = int(np.argmax(model.cv_results_["mean_test_score"]))
    assert model.best_params_ == model.params_[first]
    assert model.task_cv_scores_.shape == (4, 3, 3)
    frame = pd.DataFrame(model.cv_results_)
    assert len(frame) == 4
    np.testing.assert_allclose(
        frame["mean_test_score"], frame[[f"split{k}_test_score" for k in range(3)]].mean(axis=1)
    )
    rows = ~np.isnan(Y[:, 1])
    residual = ((model.out_of_fold_[1] - Y[:, 1])[rows] ** 2).sum()
    total = ((Y[rows, 1] - Y[rows, 1].mean()) ** 2).sum()
    assert model.task_scores_[1] == pytest.approx(1 - residual / total)
    assert model.best_score_ == pytest.approx(model.task_scores_.mean())


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_the_spread_of_scores_whose_squares_are_beyond_all_numbers():
    """The count that a diverging network expects may be as large."""
    scores = np.array([1.0, -2.0, np.nan, 4.0])
    assert _spread(1e200 * scores) == pytest.approx(1e200 * np.nanstd(scores))
    assert _spread(scores) == np.nanstd(scores)
    assert np.isnan(_spread(np.array([np.nan])))


def test_a_scorer_sees_single_networks():
    X, Y = problem()
    folds = list(KFold(3).split(X))
    plain, scored = (make(cv=folds, scoring=scoring).fit(X, Y) for scoring in (None, task_scores))
    np.testing.assert_allclose(
        scored.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], atol=1e-5
    )
    np.testing.assert_allclose(scored.task_cv_scores_, plain.task_cv_scores_, atol=1e-5)
    assert (scored.weights_ == plain.weights_).all()
    X, Y = problem()
    Y = np.nan_to_num(Y[:, :2])
    by_name = MultiTaskMLPRegressorCV(GRID, cv=3, scoring="neg_mean_absolute_error").fit(X, Y)
    assert (by_name.cv_results_["mean_test_score"] < 0).all()


def test_where_nothing_is_to_be_found_predictions_are_nearly_constant():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(80, 4)), rng.normal(size=(80, 2))
    model = MultiTaskMLPRegressorCV(GRID, cv=4, random_state=0).fit(X, Y)
    assert (1 - model.weights_.sum(axis=0) > 0.4).all()
    assert (model.predict(X).std(axis=0) < 0.5 * Y.std(axis=0)).all()


TOO_FAST = {"solver": ["sgd"], "learning_rate": ["constant"], "learning_rate_init": [1e8]}


def test_candidates_that_diverge_have_no_weight():
    X, Y = problem()
    grid = [{"max_iter": [10], "alpha": [0.1]}, TOO_FAST]
    with pytest.warns(ConvergenceWarning, match=r"NaN for \{.*100000000.0.*\}: left out of the"):
        model = make(grid).fit(X, Y)
    assert (model.weights_[1] == 0).all()
    assert np.isfinite(model.predict(X).astype(float)).all()
    assert model.best_params_ == model.params_[0]


def test_networks_that_diverge_have_no_weight_where_no_held_out_row_says_so():
    X, Y = problem()
    Y[1:, 1] = np.nan
    grid = [{"max_iter": [10]}, TOO_FAST]
    with pytest.warns(ConvergenceWarning, match="left out of the blend"):
        model = make(grid, cv=[(np.arange(30), np.arange(30, 60))]).fit(X, Y)
    assert (model.weights_[1] == 0).all()
    assert np.isfinite(model.predict(X).astype(float)).all()


def test_where_every_candidate_diverges_there_is_nothing_to_keep():
    X, Y = problem()
    with pytest.raises(ValueError, match=r"NaN for every candidate\. Lower learning_rate_init, or"):
        make(TOO_FAST).fit(X, Y)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_rows(n):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    model = MultiTaskMLPRegressorCV(GRID, random_state=0).fit(X, Y)
    assert np.isfinite(model.predict(X)).all()
    assert all(np.isfinite(of_task).all() for of_task in model.out_of_fold_)


def test_weights_of_0_are_missing_labels():
    X, Y = problem()
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 2.0, size=Y.shape)
    gone = rng.random(Y.shape) < 0.2
    one = make().fit(X, np.where(gone, np.nan, Y), weights)
    two = make().fit(X, np.where(gone & (rng.random(Y.shape) < 0.5), 1.0, Y), weights * ~gone)
    assert (one.predict(X) == two.predict(X)).all()
    assert (one.weights_ == two.weights_).all()


def test_rows_without_labels_are_as_if_they_were_not_there():
    X, Y = problem()
    folds = list(KFold(3).split(X))
    more = np.vstack([X, np.full((5, 4), 9.0)])
    empty = np.vstack([Y, np.full((5, 3), np.nan)])
    one = make(cv=folds).fit(X, Y)
    two = make(cv=[(np.r_[train, 60:65], test) for train, test in folds]).fit(more, empty)
    assert (one.predict(X) == two.predict(X)).all()
    assert np.isnan(two.out_of_fold_[0][60:]).all()


def test_long_form():
    rng = np.random.default_rng(0)
    task = np.repeat([3, 1, 2], 25)
    X = np.column_stack([rng.normal(size=(75, 3)), task])
    y = X[:, 0] * task + X[:, 1]
    y[rng.random(75) < 0.1] = np.nan
    model = make(task_feature=3).fit(X, y)
    assert model.weights_.shape == (4, 3)
    assert model.predict(X).shape == (75,)
    assert model.out_of_fold_[0].shape == (75,)
    assert len(model.member_predictions(X)) == len(model.members_["fold"])
    with pytest.raises(ValueError, match="Unknown task 7"):
        model.predict([[0.0, 0.0, 0.0, 7.0]])
    shared = make(task_feature=3, unknown_task="shared").fit(X, y)
    assert np.isfinite(shared.predict([[0.0, 0.0, 0.0, 7.0]])).all()


def test_tasks_without_labels_and_with_one_class():
    X, Y = problem()
    Y = Y.astype(object)
    Y[:, 0] = np.nan
    Y[:, 2] = "only"
    model = make().fit(X, Y)
    found = model.predict(X)
    assert (found[:, 2] == "only").all()
    assert pd.isna(found[:, 0]).all()
    assert np.isnan(model.task_scores_[0])
    assert np.isfinite(found[:, 1].astype(float)).all()


@pytest.mark.parametrize("types", ["regression", "binary", "count", "survival"])
@pytest.mark.parametrize("is_constant", [False, True])
@pytest.mark.filterwarnings("ignore:Task 1. no observed label", "ignore:The network is worse")
def test_a_long_task_without_labels_has_no_share_of_the_constant_of_the_others(types, is_constant):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(60, 2)), np.repeat([0, 1, 2], 20)])
    number = X[:, 0] + rng.normal(size=60)
    y = {
        "binary": (number > 0.7).astype(float),
        "count": np.floor(np.exp(number)),
        "survival": censored(np.exp(number), rng.random(60) < 0.8),
    }.get(types, number)
    seen = X[:, 2] != 1
    options = {"tasks": types, "task_feature": 2}
    model = make({"max_iter": [8]}, **options).fit(X, y, sample_weight=seen.astype(float))
    if is_constant:
        # As where no network is better than it.
        model.weights_ = np.zeros_like(model.weights_)
    alone = MultiTaskMLP((4,), max_iter=2, random_state=0, **options)
    alone.fit(X, y, sample_weight=seen.astype(float))
    for rows in (X, X[20:21]):
        silent = rows[:, 2] == 1
        for ask in ("predict", *(["predict_proba"] if types == "binary" else [])):
            found, wanted = getattr(model, ask)(rows), getattr(alone, ask)(rows)
            np.testing.assert_array_equal(found[silent], wanted[silent])
            assert np.isfinite(found[~silent]).all()
            assert types == "binary" or np.isnan(found[silent]).all()
    if types == "survival":
        np.testing.assert_array_equal(np.isnan(model.predict_survival(X, [1.0])[:, 0]), ~seen)


def test_groups_stay_together():
    X, Y = problem()
    groups = np.arange(60) // 6
    seen = []

    class Splitter(GroupKFold):
        def split(self, X, y=None, groups=None):
            for fold in super().split(X, y, groups):
                seen.append(fold)
                yield fold

    make(cv=Splitter(3)).fit(X, Y, groups=groups)
    assert all(not set(groups[train]) & set(groups[test]) for train, test in seen)
    make(cv=3).fit(X, Y, groups=groups)
    model = make(cv=None).fit(X, Y, groups=np.arange(60) // 30)
    assert set(model.members_["fold"]) == {0, 1}


def test_a_splitter_that_holds_some_rows_out_twice_and_others_never():
    X, Y = problem()
    splitter = ShuffleSplit(4, test_size=0.25, random_state=0)
    held = np.unique(np.concatenate([test for _, test in splitter.split(X)]))
    model = make(cv=splitter).fit(X, Y)
    never = np.setdiff1d(np.arange(60), held)
    assert len(never) > 0
    assert np.isnan(model.out_of_fold_[1][never]).all()
    assert np.isfinite(model.out_of_fold_[1][held]).all()


def test_jobs_change_nothing():
    X, Y = problem()
    grid = [{"max_iter": [5]}, {"max_iter": [5], "activation": ["tanh"]}]
    one, two = (make(grid, n_jobs=n_jobs).fit(X, Y) for n_jobs in (None, 2))
    assert (one.predict(X) == two.predict(X)).all()


def test_a_module_of_the_user():
    torch = pytest.importorskip("torch")

    def network(n_features, outputs_per_task):
        return torch.nn.Linear(n_features, sum(outputs_per_task))

    X, Y = problem()
    grid = {"architecture": [Custom(network)], "dropout": [0.0, 0.3], "max_iter": [100]}
    model = make(grid).fit(X, Y)
    assert model.score(X, Y) > 0.35
    assert same_structure([MultiTaskMLP(architecture=Custom(network), dropout=d) for d in (0, 0.3)])


def test_classifier_blends_probabilities():
    X, Y = problem()
    labels = np.where(np.nan_to_num(Y[:, :2]) > 0, "yes", "no").astype(object)
    model = MultiTaskMLPClassifierCV(GRID, cv=3, random_state=0).fit(X, labels)
    assert [p.shape for p in model.predict_proba(X)] == [(60, 2), (60, 2)]
    assert model.score(X, labels) > 0.7


@pytest.mark.parametrize(
    ("grid", "match"),
    [
        ({"tasks": ["auto"]}, "grid names 'tasks', but this parameter holds for all candidates"),
        ({"early_stopping": [True]}, "grid names 'early_stopping', but this parameter held-out"),
        ({"warm_start": [True]}, "starts anew"),
        ({"learning_rate": ["plateau"]}, "waits for a loss that stands still"),
        ({"alpha": [-1.0]}, "alpha"),
        ({"nothing": [1]}, "Invalid parameter 'nothing'"),
        ([], "no combination"),
    ],
)
def test_faults_of_a_grid(grid, match):
    X, Y = problem()
    with pytest.raises(ValueError, match=match):
        make(grid).fit(X, Y)


def test_folds_without_labels():
    X, Y = problem()
    Y[:30] = np.nan
    with pytest.raises(ValueError, match="No fold has labels both to train on and to hold out"):
        make(cv=[(np.arange(30), np.arange(30, 60))]).fit(X, Y)
    with pytest.raises(ValueError, match="more than the rows"):
        make(cv=5).fit(X[:3], X[:3, :1])


def test_what_is_given_stays_as_it_is():
    X, Y = problem()
    architecture = training.resolve("architecture", "mmoe")
    grid = {"architecture__n_experts": [2, 3], "max_iter": [3]}
    before = repr(architecture)
    model = make(grid, architecture=architecture).fit(X, Y)
    assert repr(architecture) == before
    assert model.grid is grid


def test_a_task_without_labels_has_no_favourite_class():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 2, (20, 2)).astype(float)
    y[:, 1] = np.nan
    tasks = ["binary", Binary(classes=[0, 1])]
    model = MultiTaskMLPCV(
        grid={"max_iter": [3]}, cv=2, tasks=tasks, hidden_layer_sizes=(4,), random_state=0
    )
    with pytest.warns(UserWarning, match="no observed label"):
        model.fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X)[1], np.full((20, 2), 0.5))
