"""What is chosen by left-out rows is what it claims to be, and hardly anything can break it."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, sparse
from scipy.spatial.distance import cdist
from sklearn.model_selection import GroupKFold, LeaveOneOut, ShuffleSplit

from skmtl import MultiTaskKernelRidge, MultiTaskKernelRidgeCV, MultiTaskLinearRegressorCV
from skmtl._spectrum import Spectrum
from skmtl.kernel import _kernel_choice
from skmtl.kernel._landmarks import choose_landmarks
from skmtl.kernel._pairs import Candidate, Pairs, Rows, Space
from skmtl.kernel._trial import Ground, Responses
from skmtl.kernel._working_response import PULL, WorkingResponse, _calibrate
from skmtl.tasks import Binary, Count, Multiclass, Regression, Survival
from skmtl.tasks._columns import read_column
from skmtl.tasks._read_targets import read_targets
from tests.strangers.gamma import Gamma

ONE = {"widths": [0.8], "linear_share": 0.0, "alphas": [1e-3]}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    Y = np.column_stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2], X[:, 3]])
    return X, Y + 0.1 * rng.normal(size=Y.shape)


@pytest.fixture
def gaps(data):
    X, Y = data
    Y = Y.copy()
    Y[np.random.default_rng(1).random(Y.shape) < 0.3] = np.nan
    return X, Y


@pytest.fixture
def long(gaps):
    """Three tasks with rows of their own."""
    X, Y = gaps
    rows, tasks = np.nonzero(~np.isnan(Y))
    return np.column_stack([tasks, X[rows]]), Y[rows, tasks]


def make(**options):
    return MultiTaskKernelRidgeCV(tasks="regression", **options)


# -- the models it contains -------------------------------------------------------------------


def as_precomputed(kernel, X, width=0.8):
    """The kernel of the docstring on standardised features, distances over their mean."""
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    metric = "cityblock" if kernel == "laplacian" else "euclidean"
    d = cdist(Z, Z, metric) / (width * cdist(Z, Z, metric).mean())
    if kernel == "linear":
        return Z @ Z.T / Z.shape[1]
    return np.exp(-0.5 * d**2 if kernel == "rbf" else -d)


@pytest.mark.parametrize("kernel", ["linear", "laplacian", "rbf", "exponential"])
def test_one_kernel_is_kernel_ridge_of_each_task(kernel, data):
    X, Y = data
    found = make(kernels=kernel, **ONE).fit(X, Y)
    scaled = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    K = as_precomputed(kernel, X)
    theirs = MultiTaskKernelRidge("precomputed", alpha=1e-3, task_kernel="identity").fit(K, scaled)
    expected = theirs.predict(K) * Y.std(axis=0) + Y.mean(axis=0)
    np.testing.assert_allclose(found.predict(X), expected, atol=1e-7)
    np.testing.assert_array_equal(found.weights_, np.ones((1, 3)))


def test_a_share_of_the_linear_kernel(data):
    X, Y = data
    found = make(kernels=["rbf"], **{**ONE, "linear_share": 0.5}).fit(X, Y)
    assert found.cv_results_["linear_share"] == [0.0, 0.5]
    share = found.best_params_["linear_share"]
    K = as_precomputed("rbf", X) + share * as_precomputed("linear", X)
    theirs = MultiTaskKernelRidge("precomputed", alpha=1e-3, task_kernel="identity").fit(K, Y)
    np.testing.assert_allclose(found.predict(X), theirs.predict(K), atol=1e-7)


def test_gaps_and_weights_are_those_of_kernel_ridge(gaps):
    X, Y = gaps
    weight = np.random.default_rng(2).uniform(0.5, 2, Y.shape)
    found = make(kernels="linear", feature_scaling=None, **ONE).fit(X, Y, sample_weight=weight)
    # The linear kernel is over the mean squared distance of the rows from their mean.
    share = np.where(np.isnan(Y), 0.0, weight)
    share = (share / share.sum(axis=0)).mean(axis=1)
    spread = share @ ((X - share @ X) ** 2).sum(axis=1)
    theirs = MultiTaskKernelRidge("linear", alpha=1e-3 * spread, task_kernel="identity")
    theirs.fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(found.predict(X), theirs.predict(X), atol=1e-8)


def test_long_form_is_the_kernel_of_the_docstring(long):
    X, y = long
    model = make(kernels="rbf", task_feature=0, **ONE).fit(X, y)
    rho, c = (model.best_params_[name] for name in ("similarity", "task_offset"))
    same = X[:, :1] == X[:, 0]
    K = as_precomputed("rbf", X[:, 1:]) * (rho + (1 - rho) * same) + c * same
    theirs = MultiTaskKernelRidge("precomputed", alpha=1e-3, task_kernel="identity").fit(K, y)
    np.testing.assert_allclose(model.predict(X), theirs.predict(K), atol=1e-7)


def test_an_unknown_task_is_the_mean_of_the_known(long):
    X, y = long
    model = make(kernels="rbf", task_feature=0, unknown_task="shared").fit(X, y)
    new = X[:7].copy()
    of_tasks = [
        model.predict(np.column_stack([np.full(7, t), new[:, 1:]])) for t in np.unique(X[:, 0])
    ]
    new[:, 0] = 99
    np.testing.assert_allclose(model.predict(new), np.mean(of_tasks, axis=0))


# -- what is left out -------------------------------------------------------------------------


def ground(X, Y, weight, *, landmarks=False):
    rows, share = Rows(X), np.where(np.isnan(Y), 0.0, weight)
    share /= share.sum(axis=0)
    space = Space.of(X, np.zeros(X.shape[1]), share.mean(axis=1), 0)
    responses = Responses(np.nan_to_num(Y), share, np.arange(Y.shape[1]))
    pairs = Pairs(rows, rows, space)
    alphas = np.geomspace(1.0, 1e-6, 7)
    return Ground(
        pairs, responses, alphas, np.arange(len(Y)) % 3, landmarks=pairs if landmarks else None
    )


def test_held_out_predictions_are_refits_with_gaps_and_weights(gaps):
    X, Y = gaps[0][:20], gaps[1][:20]
    weight = np.random.default_rng(3).uniform(0.5, 2, Y.shape)
    trial = ground(X, Y, weight).attempt(Candidate("rbf", 1.0, 2.0))
    K = np.exp(-cdist(X, X, "sqeuclidean") / 8)
    for t, alpha in enumerate(trial.alphas):
        used = np.flatnonzero(~np.isnan(Y[:, t]))
        for i in used:
            kept = np.setdiff1d(used, i)
            # alpha is that of the weights of all labels of the task.
            total = weight[used, t].sum() / weight[kept, t].sum()
            model = MultiTaskKernelRidge("precomputed", alpha=alpha * total)
            model.fit(K[np.ix_(kept, kept)], Y[kept, t], sample_weight=weight[kept, t])
            expected = model.predict(K[[i]][:, kept])
            np.testing.assert_allclose(trial.held_out[i, t], expected, atol=1e-6)
    # The error is made of these.
    s = np.where(np.isnan(Y), 0.0, weight)
    s /= s.sum(axis=0)
    z = np.nan_to_num(Y)
    errors = np.where(s > 0, z - trial.held_out, 0.0)
    variance = (s * (z - (s * z).sum(axis=0)) ** 2).sum(axis=0)
    assert trial.error == pytest.approx(np.sqrt((s * errors**2).sum(axis=0) / variance).mean())


def test_all_rows_as_landmarks_are_the_exact_fit(gaps):
    X, Y = gaps
    weight = np.random.default_rng(3).uniform(0.5, 2, Y.shape)
    candidate = Candidate("exponential", 1.0, 2.0, 0.1)
    exact = ground(X, Y, weight).attempt(candidate)
    by_landmarks = ground(X, Y, weight, landmarks=True).attempt(candidate)
    np.testing.assert_array_equal(by_landmarks.alphas, exact.alphas)
    np.testing.assert_allclose(by_landmarks.held_out, exact.held_out, atol=1e-6)
    np.testing.assert_allclose(by_landmarks.coef, exact.coef, rtol=1e-4, atol=1e-5)
    assert by_landmarks.error == pytest.approx(exact.error)


def test_one_decomposition_per_kernel_and_pattern(data, monkeypatch):
    X, Y = data
    Y = np.column_stack([Y, Y[:, 0] + 1, Y[:, 1] - 1])
    Y[:9, 1] = Y[:9, 4] = np.nan  # two patterns: (0, 2, 3) and (1, 4)
    calls = []
    of_kernel = Spectrum.of_kernel.__func__
    monkeypatch.setattr(
        Spectrum,
        "of_kernel",
        classmethod(lambda cls, K, share: (calls.append(len(K)), of_kernel(cls, K, share))[1]),
    )
    model = make().fit(X, Y)
    n_tried = len(model.cv_results_["kernel"])
    assert calls == [60, 51] * n_tried
    assert n_tried <= 1 + 3 * 6


def test_scores_are_those_of_the_left_out_predictions(gaps):
    X, Y = gaps
    Y = np.column_stack([Y, np.where(np.isnan(Y[:, 0]), np.nan, Y[:, 0] > 0)])
    model = MultiTaskKernelRidgeCV().fit(X, Y)
    for t, (task, expected) in enumerate(zip(model.tasks_, model.out_of_fold_, strict=True)):
        seen = ~np.isnan(Y[:, t])
        assert (np.isnan(expected.reshape(60, -1)).any(axis=1) == ~seen).all()
        values = (Y[seen, t] - getattr(task, "location_", 0.0)) / getattr(task, "scale_", 1.0)
        score = task.score(expected[seen], values, np.ones(seen.sum()))
        assert model.task_scores_[t] == pytest.approx(score)
    assert model.best_score_ == pytest.approx(model.task_scores_.mean())
    assert 0.3 < model.best_score_ < model.score(X, Y)


def test_rows_of_a_group_are_left_out_together():
    # Copies of rows say what their labels are: only whole groups are a test of anything.
    rng = np.random.default_rng(0)
    X, y = np.tile(rng.normal(size=(30, 3)), (4, 1)), np.tile(rng.normal(size=30), 4)
    groups = np.tile(np.arange(30), 4)
    fooled, honest = make().fit(X, y), make().fit(X, y, groups=groups)
    assert fooled.best_score_ > 0.9
    assert honest.best_score_ < 0.2
    splitter = make(cv=GroupKFold(5)).fit(X, y, groups=groups)
    assert splitter.best_score_ < 0.2
    assert np.abs(honest.predict(X) - y.mean()).max() < np.abs(fooled.predict(X) - y.mean()).max()


def test_folds_of_one_row_are_the_closed_form(gaps):
    X, Y = gaps
    none, splitter = make().fit(X, Y), make(cv=LeaveOneOut()).fit(X, Y)
    assert (none.predict(X) == splitter.predict(X)).all()
    rows = np.arange(60)
    folds = make(cv=[(np.delete(rows, i), [i]) for i in rows]).fit(X, Y)
    np.testing.assert_allclose(folds.predict(X), none.predict(X), atol=1e-6)
    # Other rows are put together to choose for those of each part.
    np.testing.assert_allclose(folds.task_scores_, none.task_scores_, atol=0.03)


def test_folds_of_few_rows(gaps):
    X, Y = gaps
    model = make(cv=ShuffleSplit(2, test_size=0.2, random_state=0)).fit(X, Y)
    assert np.isfinite(model.predict(X)).all()
    seen = np.isfinite(model.out_of_fold_[0])
    assert 0 < seen.sum() < np.isfinite(Y[:, 0]).sum()
    assert np.isfinite(model.task_scores_).all()
    with pytest.raises(ValueError, match="2 rows of a fold are both in training and held out"):
        make(cv=[(np.arange(50), np.arange(48, 60))]).fit(X, Y)


@pytest.mark.parametrize("form", ["wide", "long"])
def test_whole_weights_are_repeated_rows(form, gaps, long):
    # Where copies of a row are left out together; a blend is shrunk by the number of labels.
    X, Y = long if form == "long" else gaps
    times = np.random.default_rng(5).integers(0, 4, len(X))
    rows = np.repeat(np.arange(len(X)), times)
    options = {"kernels": ["rbf"], **({"task_feature": 0} if form == "long" else {})}

    def fit(rows, **weight):
        fold = rows % 4
        cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(4)]
        return make(cv=cv, **options).fit(X[rows], Y[rows], **weight)

    weighted, repeated = fit(np.arange(len(X)), sample_weight=times), fit(rows)
    assert repeated.cv_results_["error"] == pytest.approx(weighted.cv_results_["error"])
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6)


# -- invariances ------------------------------------------------------------------------------


def same_predictions(a, b, X, Z=None, **tolerance):
    Z = X if Z is None else Z
    np.testing.assert_allclose(a.predict(X), b.predict(Z), **{"atol": 1e-6, **tolerance})


def test_units_of_features_and_targets_say_nothing(gaps):
    X, Y = gaps
    units, origin = np.array([1e-6, 1.0, 1e4, 1e9]), np.array([5.0, -1e3, 0.0, 1e8])
    model = make().fit(X, Y)
    same_predictions(model, make().fit(X * units + origin, Y), X, X * units + origin, atol=1e-4)
    moved = make().fit(X, Y * [1e5, 1.0, 1e-5] + [0.0, 1e4, 3.0])
    expected = model.predict(X) * [1e5, 1.0, 1e-5] + [0.0, 1e4, 3.0]
    np.testing.assert_allclose(moved.predict(X), expected, rtol=1e-5, atol=1e-6)
    # Not scaled, the feature with the largest numbers is all there is.
    assert make(feature_scaling=None).fit(X * units, Y).best_score_ < model.best_score_ - 0.1


def test_permuted_tasks_and_rows(gaps):
    X, Y = gaps
    model = make().fit(X, Y)
    order, rows = [2, 0, 1], np.random.default_rng(0).permutation(60)
    permuted = make().fit(X[rows], Y[rows][:, order])
    np.testing.assert_allclose(permuted.predict(X), model.predict(X)[:, order], atol=1e-6)
    np.testing.assert_allclose(permuted.task_scores_, model.task_scores_[order], atol=1e-6)


def test_weight_zero_is_unobserved_bit_for_bit(gaps):
    X, Y = gaps
    filled = np.where(np.isnan(Y), 1e3, Y)
    weighted = make().fit(X, filled, sample_weight=1.0 - np.isnan(Y))
    assert (weighted.predict(X) == make().fit(X, Y).predict(X)).all()


@pytest.mark.parametrize("feature_scaling", ["standard", None])
@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_sparse_features(mean, feature_scaling, gaps):
    X, Y = gaps
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    X[:, 0] += mean
    S = sparse.csr_array(X)
    dense, model = (make(feature_scaling=feature_scaling).fit(Z, Y) for Z in (X, S))
    for a, b in ((model, S), (model, X), (dense, S)):
        np.testing.assert_allclose(a.predict(b), dense.predict(X), atol=1e-5)


def test_a_feature_that_was_constant_is_not_looked_at(gaps):
    X, Y = gaps
    model = make().fit(np.column_stack([X, np.full(60, 0.1)]), Y)
    new = np.column_stack([X, np.full(60, 1e6)])
    np.testing.assert_allclose(model.predict(new), make().fit(X, Y).predict(X), atol=1e-7)


# -- task types -------------------------------------------------------------------------------


def test_classes_counts_and_types_of_ones_own(data):
    X = data[0]
    rng = np.random.default_rng(0)
    labels = {
        "number": X[:, 0],
        "yes": np.where(X[:, 0] + X[:, 1] > 0, "yes", "no"),
        "kind": pd.Categorical(np.digitize(X[:, 1], [-0.5, 0.5]).astype(str)),
        "count": rng.poisson(np.exp(X[:, 0])),
        "cost": np.exp(X[:, 2]) * rng.gamma(3.0, 1.0, 60),
    }
    types = {"count": "count", "cost": Gamma()}
    model = MultiTaskKernelRidgeCV(tasks=types).fit(X, pd.DataFrame(labels))
    assert (model.task_scores_ > 0.1).all()
    predicted = model.predict(X)
    assert (predicted[:, 3:].astype(float) > 0).all()
    proba = model.predict_proba(X)
    assert [p is None for p in proba] == [True, False, False, True, True]
    np.testing.assert_allclose(proba[2].sum(axis=1), 1.0)
    assert (predicted[:, 1] == labels["yes"]).mean() > 0.8


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        (Binary(), [0.0, 1.0] * 20),
        (Multiclass(), [0.0, 1.0, 2.0, 1.0] * 10),
        (Count(), [0.0, 3.0, 1.0, 7.0] * 10),
        (Regression("huber"), [0.0, 3.0, 1.0, 9.0] * 10),
    ],
    ids=["binary", "multiclass", "count", "huber"],
)
def test_links_have_the_least_loss_of_left_out_responses(task, labels):
    rng, y = np.random.default_rng(0), np.array(labels)
    task = fitted(task, y)
    working = WorkingResponse.of(task, y, np.ones(40), "t")
    held_out = 0.4 * working.values + 0.3 * rng.normal(size=working.values.shape)
    link = working.link(held_out)
    n = task.n_outputs_

    def loss(theta):
        raw = working.raw_prior + theta[1:]
        raw = raw + theta[0] * held_out @ working.inverse_curvature
        shrunk = theta - np.eye(1 + n)[0]
        return task.loss_and_grad(raw, y)[0].mean() + 0.5 * PULL * shrunk @ shrunk

    best = optimize.minimize(loss, np.eye(1 + n)[0], tol=1e-12)
    found = np.append(link.slope, link.offset - working.raw_prior)
    assert loss(found) <= best.fun + 1e-9
    np.testing.assert_allclose(found, best.x, atol=1e-3)


def fitted(task, y):
    """The task, that has seen labels."""
    return read_targets(
        y, declared=task, kind="any", task_column=None, sample_weight=None, estimator_name="t"
    ).tasks.tasks[0]


def test_squared_loss_needs_no_link():
    y = np.array([1.0, 2.0, 4.0])
    working = WorkingResponse.of(fitted(Regression(), y), y, np.ones(3), "t")
    np.testing.assert_allclose(working.values[:, 0], y - y.mean())
    np.testing.assert_allclose(working.link(working.values)(working.values)[:, 0], y)


def test_separable_classes_have_probabilities_short_of_one():
    X = np.linspace(-1, 1, 40).reshape(-1, 1)
    model = MultiTaskKernelRidgeCV().fit(X, X[:, 0] > 0)
    p = model.predict_proba(X)[:, 1]
    assert ((p > 0.5) == (X[:, 0] > 0)).mean() > 0.95
    assert 0.0 < p.min() < p.max() < 1.0


@pytest.mark.parametrize("size", [1.0, 30.0, 100.0])
def test_curvatures_of_any_size_have_a_link(size):
    # Of events long after what is expected: the Hessian is singular but for rounding.
    task, y, share = Survival("weibull"), np.array([1.0, -2.0, 3.0]), np.full(3, 1 / 3)
    task.fit(read_column(y, "y"), np.ones(3), "y")
    directions = np.full((3, 1), -size)

    def loss(slope, shift):
        theta = np.array([slope - 1.0, *shift])
        raw = shift + slope * directions
        return share @ task.loss_and_grad(raw, y)[0] + 0.5 * PULL * theta @ theta

    assert loss(*_calibrate(task, directions, np.zeros(1), y, share)) < loss(1.0, np.zeros(1))


def test_one_class_or_no_label_of_a_task(data):
    X, Y = data
    mixed = np.column_stack([Y[:, 0], np.ones(60), np.full(60, np.nan)])
    with pytest.warns(UserWarning, match="one observed class|no observed label"):
        model = MultiTaskKernelRidgeCV(tasks=["regression", "binary", "regression"]).fit(X, mixed)
    assert (model.predict(X)[:, 1] == 1).all()
    assert np.isnan(model.predict(X)[:, 2]).all()
    np.testing.assert_allclose(model.predict(X)[:, 0], make().fit(X, Y[:, 0]).predict(X))
    assert np.isnan(model.alpha_[:, 1:]).all()
    with pytest.warns(UserWarning, match="one"):
        constant = MultiTaskKernelRidgeCV(tasks="binary").fit(X, np.ones(60))
    assert (constant.predict(X) == 1).all()
    assert constant.weights_.shape == (0, 1)


# -- sizes ------------------------------------------------------------------------------------


def test_more_rows_than_are_tried_and_than_are_exact(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    Y = np.column_stack([np.sin(X[:, 0]) + X[:, 1], X[:, 2] ** 2])
    exact = make().fit(X[:300], Y[:300])
    monkeypatch.setattr(_kernel_choice, "MOST_TRIED", 150)
    part = make().fit(X[:300], Y[:300])
    assert part._blend.functions.anchors.n_rows == 300
    monkeypatch.setattr(_kernel_choice, "MOST_EXACT", 200)
    by_landmarks = make().fit(X[:300], Y[:300])
    assert by_landmarks._blend.functions.anchors.n_rows < 300
    for model in (exact, part, by_landmarks):
        assert model.score(X[300:], Y[300:]) > 0.95
        assert len(model.kernels_["kernel"]) == 4
    again = make().fit(X[:300], Y[:300])
    assert (again.predict(X) == by_landmarks.predict(X)).all()


def test_many_patterns_of_missing_labels(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    Y = np.sin(X[:, :1]) + 0.1 * rng.normal(size=(120, 15))
    Y[rng.random(Y.shape) < 0.5] = np.nan
    monkeypatch.setattr(_kernel_choice, "MOST_TRIED", 60)
    monkeypatch.setattr(_kernel_choice, "PATTERNS_TRIED", 3)
    model = make().fit(X, Y)
    assert (model.task_scores_ > 0.7).all()
    # No more than one exact fit costs, however many patterns there are.
    patterns = [np.arange(1000)] * 300
    found = _kernel_choice._n_anchors(1000, [_kernel_choice.Pattern(p, p, p) for p in patterns])
    assert 100 <= found < 300
    rows = np.arange(500_000)
    found = _kernel_choice._n_anchors(500_000, [_kernel_choice.Pattern(rows, rows, rows)])
    assert found * 500_000 <= 2**26


def test_landmarks_of_every_task():
    index = np.repeat(np.arange(5), [100, 50, 3, 2, 1])
    chosen = choose_landmarks(156, 8, index, np.random.RandomState(0))
    assert set(index[chosen]) == set(range(5))
    index[-1] = 3
    X = np.column_stack([index, np.random.default_rng(0).normal(size=(156, 2))])
    with pytest.warns(UserWarning, match="4 tasks and 3 landmarks.*Set n_landmarks to 4"):
        make(task_feature=0, n_landmarks=3).fit(X, X[:, 1])


def test_a_constant_predictor_is_not_beaten_by_noise():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 30)), rng.normal(size=(40, 5))
    model = make().fit(X, Y)
    new = rng.normal(size=(1000, 30))
    distance = np.sqrt(((model.predict(new) - Y.mean(axis=0)) ** 2).mean())
    assert distance < 0.3


# -- what is told -----------------------------------------------------------------------------


def test_tables(gaps, long):
    X, Y = gaps
    model = make(kernels=["linear", "rbf"]).fit(X, Y)
    table, tried = pd.DataFrame(model.kernels_), pd.DataFrame(model.cv_results_)
    columns = ["kernel", "width", "linear_share", "error"]
    assert list(table.columns) == [*columns, "weight"]
    assert list(tried.columns) == columns
    assert table["weight"].sum() == pytest.approx(1.0)
    assert tried["error"].min() == table["error"].min()
    best = table.loc[table["error"].idxmin()]
    assert model.best_params_["kernel"] == best["kernel"]
    np.testing.assert_allclose(model.weights_.sum(axis=0), 1.0)
    assert (model.weights_ >= 0).all()
    position = model.kernels_["kernel"].index(best["kernel"])
    np.testing.assert_array_equal(model.best_params_["alpha"], model.alpha_[position])
    model = make(task_feature=0).fit(*long)
    assert {"similarity", "task_offset"} <= set(model.best_params_) & set(model.kernels_)
    assert model.alpha_.shape == (4, 3)
    assert model.task_scores_.shape == (1,)


def test_what_is_curved_is_better_than_linear(gaps):
    X, Y = gaps
    assert make().fit(X, Y).best_score_ > MultiTaskLinearRegressorCV("l2").fit(X, Y).score(X, Y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernels": "poly"}, "'kernels' parameter of MultiTaskKernelRidgeCV must be"),
        ({"kernels": ["rbf", "poly"]}, r"kernels has 'poly'; expected some of \['linear'"),
        ({"kernels": []}, "kernels has none"),
        ({"widths": [0.0, 1.0]}, r"widths=\[0.0, 1.0\]; expected finite numbers above 0"),
        ({"alphas": [1.0, np.nan]}, "alphas=.*expected finite numbers above 0"),
        ({"tasks": Regression("absolute")}, "Task 0 has the absolute loss, which has no gradient"),
        ({"n_landmarks": 0}, "'n_landmarks' parameter"),
    ],
)
def test_errors(options, message, data):
    with pytest.raises(ValueError, match=message):
        MultiTaskKernelRidgeCV(**options).fit(*data)


@pytest.mark.parametrize("rows", [[0], [0, 1]])
def test_labels_of_one_or_two_rows(rows):
    X, y = np.random.default_rng(0).normal(size=(6, 2)), np.full(6, np.nan)
    y[rows] = [1.0, 3.0][: len(rows)]
    model = MultiTaskKernelRidgeCV().fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert np.isnan(np.delete(model.out_of_fold_[0], rows)).all()
