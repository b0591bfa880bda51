"""Label smoothing and focal loss: what they do to losses, fits and probabilities."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from skmtl import MultiTaskKernelRidgeCV, MultiTaskLinear, MultiTaskLinearCV, MultiTaskMLP
from skmtl.tasks import Binary, Multiclass, Ordinal
from skmtl.tasks._columns import read_column


def data(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, np.digitize(X[:, 0] + X[:, 1] + 0.5 * rng.logistic(size=n), [-1.0, 1.0])


@pytest.mark.parametrize(
    ("types", "binary"), [(Multiclass, False), (Binary, True)], ids=["multiclass", "binary"]
)
def test_formulas(types, binary):
    """The documented loss, written out."""
    smoothing, gamma, n_classes = 0.2, 1.5, 2 if binary else 3
    task = types(label_smoothing=smoothing, focal=gamma, classes=list(range(n_classes)))
    column = read_column(np.arange(20) % n_classes, "y")
    task.fit(column, np.ones(20), "y")
    raw = np.random.default_rng(0).normal(size=(20, task.n_outputs_))
    scores = np.hstack([np.zeros((20, 1)), raw]) if binary else raw
    s = log_softmax(scores, axis=1)
    q = (1 - smoothing) * np.eye(n_classes)[column.labels] + smoothing / n_classes
    expected = -(q * (1 - np.exp(s)) ** gamma * s).sum(axis=1)
    loss, _ = task.loss_and_grad(raw, task.encode(column, "y"))
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


def test_a_linear_fit_is_that_of_labels_spread_over_the_classes():
    X, y = data()
    smoothing, alpha = 0.3, 0.01
    task = Multiclass(label_smoothing=smoothing)
    model = MultiTaskLinear("l2", alpha=alpha, tasks=task, tol=1e-12).fit(X, y)
    q = (1 - smoothing) * np.eye(3)[y] + smoothing / 3

    def objective(theta):
        W, b = theta[:9].reshape(3, 3), theta[9:]
        log_share = log_softmax(X @ W + b, axis=1)
        rest = softmax(X @ W + b, axis=1) - q
        slope = np.concatenate([(X.T @ rest / len(X) + alpha * W).ravel(), rest.mean(axis=0)])
        return -(q * log_share).sum(axis=1).mean() + 0.5 * alpha * (W**2).sum(), slope

    found = minimize(objective, np.zeros(12), jac=True, options={"gtol": 1e-10}).x
    np.testing.assert_allclose(model.coef_.T, found[:9].reshape(3, 3), atol=1e-5)
    assert model.dual_gap_ <= 1e-12 * np.log(3)


@pytest.mark.parametrize("penalty", ["l1", "l2", "mean_deviation", "trace_norm"])
def test_linear_fits_of_several_tasks_are_certified(penalty):
    X, y = data()
    Y = np.column_stack([y > 0, y > 1])
    options = {"alpha": 0.01, "tol": 1e-8, "max_iter": 5000}
    model = MultiTaskLinear(penalty, tasks=Binary(label_smoothing=0.1), **options).fit(X, Y)
    assert model.dual_gap_ <= 1e-8 * 2 * np.log(2)
    sharp = MultiTaskLinear(penalty, **options).fit(X, Y)
    for smooth, plain in zip(model.predict_proba(X), sharp.predict_proba(X), strict=True):
        assert smooth.max(axis=1).mean() < plain.max(axis=1).mean()


def test_separable_classes_have_a_finite_optimum():
    X, _ = data()
    y = X[:, 0] > 0
    with pytest.warns(UserWarning, match="separable"):
        MultiTaskLinear("l2", alpha=0.0).fit(X, y)
    smooth = MultiTaskLinear("l2", alpha=0.0, tasks=Binary(label_smoothing=0.1), tol=1e-8)
    assert smooth.fit(X, y).dual_gap_ <= 1e-8


def test_without_features_probabilities_are_pulled_to_the_middle():
    X, y = data()
    shares = np.bincount(y) / len(y)
    model = MultiTaskLinear("l2", alpha=1e6, tasks=Multiclass(label_smoothing=0.3), tol=1e-10)
    expected = 0.7 * shares + 0.1
    np.testing.assert_allclose(model.fit(X, y).predict_proba(X)[0], expected, atol=1e-4)


def test_networks_take_both():
    X, y = data(n=600)
    tables = {}
    for name, task in (
        ("log loss", Multiclass()),
        ("smooth", Multiclass(label_smoothing=0.3)),
        ("focal", Multiclass(focal=3.0)),
    ):
        model = MultiTaskMLP((16,), tasks=task, random_state=0).fit(X, y)
        tables[name] = model.predict_proba(X).max(axis=1).mean()
        assert (model.predict(X) == y).mean() > 0.6
    assert tables["smooth"] < tables["log loss"] - 0.05
    assert tables["focal"] < tables["log loss"] - 0.05


def test_convex_options_choose_their_alpha():
    X, y = data()
    model = MultiTaskLinearCV("l2", alphas=5, cv=3, tasks=Multiclass(label_smoothing=0.1))
    assert model.fit(X, y).score(X, y) > 0.2
    kernel = MultiTaskKernelRidgeCV(("linear",), tasks=Multiclass(label_smoothing=0.1)).fit(X, y)
    assert kernel.score(X, y) > 0.2


def test_who_needs_a_convex_loss_says_so():
    X, y = data()
    for estimator in (MultiTaskLinear(), MultiTaskLinearCV(), MultiTaskKernelRidgeCV()):
        estimator.set_params(tasks=Multiclass(focal=2.0))
        with pytest.raises(
            ValueError, match=r"Task 0 is Multiclass\(focal=2.0\), whose loss is not"
        ):
            estimator.fit(X, y)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Binary(label_smoothing=1.0), r"Task 0: Binary\(label_smoothing=1.0\).*in \[0, 1\)"),
        (Binary(focal=-1.0), r"Task 0: Binary\(focal=-1.0\).*>= 0"),
        (Multiclass(focal="much"), r"Task 0: Multiclass\(focal='much'\)"),
    ],
    ids=["smoothing", "focal", "a word"],
)
def test_wrong_options(task, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskMLP(tasks=task, max_iter=1).fit([[0.0], [1.0]], [0, 1])


def test_ordinal_tasks_have_no_such_options():
    with pytest.raises(TypeError):
        Ordinal(focal=1.0)
