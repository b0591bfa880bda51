"""Displays of linear models: coefficients, and paths of alphas."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, Ridge
from sklearn.linear_model import MultiTaskLassoCV as SklearnMultiTaskLassoCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skmtl import (
    IndependentTasks,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    MultiTaskMLP,
)
from skmtl.datasets import make_multitask_mixed, make_multitask_regression
from skmtl.inspection.displays import CoefficientMapDisplay, RegularizationPathDisplay
from skmtl.inspection.displays._path import mean_and_error
from tests.inspection.displays.conftest import make_coef


def regression(**options):
    X, y = make_multitask_regression(
        80, 8, n_tasks=3, n_informative=3, noise=0.5, missing=0.1, random_state=0, **options
    )
    return X, y


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_coefficients_are_those_given():
    coef = make_coef(5, 12)
    display = CoefficientMapDisplay(coef, output_names=list("abcde")).plot(scale_outputs=False)
    norms = np.linalg.norm(coef, axis=0)
    assert (np.diff(norms[display.order_]) <= 0).all()
    shown = display.image_.get_array()
    is_zero = norms[display.order_] == 0
    np.testing.assert_array_equal(shown.data[~is_zero], coef.T[display.order_][~is_zero])
    # Grey where no task uses a feature, and nowhere else.
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), np.repeat(is_zero[:, None], 5, axis=1))
    assert display.image_.norm.vmin == -display.image_.norm.vmax == -np.abs(coef).max()
    assert labels(display.ax_.yaxis) == [str(f) for f in display.order_]
    assert labels(display.ax_.xaxis) == list("abcde")
    assert display.ax_.get_title() == "9 of 12 features are used"


def test_a_zero_beside_others_is_white_not_grey():
    image = CoefficientMapDisplay([[1.0, 0.0], [0.0, 0.0]]).plot().image_
    np.testing.assert_array_equal(np.ma.getmaskarray(image.get_array()), [[0, 0], [1, 1]])
    white, grey = image.to_rgba(np.ma.masked_invalid([0.0, np.nan]))
    assert min(white[:3]) > 0.95
    assert max(grey[:3]) < 0.9


def test_units_of_a_target_change_nothing():
    coef = make_coef(3, 12)
    units = np.array([[1e-3], [1.0], [1e6]])
    one, other = (CoefficientMapDisplay(c).plot() for c in (coef, units * coef))
    np.testing.assert_array_equal(one.order_, other.order_)
    np.testing.assert_allclose(one.image_.get_array(), other.image_.get_array(), rtol=1e-12)
    assert np.abs(one.image_.get_array()).max() == 1.0


def test_the_largest_features_are_drawn():
    coef = make_coef(3, 100)
    coef /= np.abs(coef).max(axis=1, keepdims=True)
    display = CoefficientMapDisplay(sparse.csr_array(coef)).plot(max_features=20)
    np.testing.assert_array_equal(
        display.order_, np.argsort(-np.linalg.norm(coef, axis=0), kind="stable")[:20]
    )
    assert display.ax_.get_title() == "75 of 100 features are used; the first 20 are shown"
    assert len(CoefficientMapDisplay(coef).plot(max_features=None).order_) == 100
    assert len(CoefficientMapDisplay(coef).plot().order_) == 50


def test_coefficients_of_mixed_tasks():
    X, y = make_multitask_mixed(
        200, 6, n_informative=6, n_regression=1, n_binary=1, n_multiclass=1, n_count=0,
        as_frame=True, random_state=0,
    )  # fmt: skip
    model = MultiTaskLinear("l2", alpha=0.1).fit(X, y)
    display = CoefficientMapDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.coef, model.coef_)
    classes = [f"class0: label{k}" for k in range(3)]
    assert display.output_names == ["score0", "yes0", *classes]
    assert display.feature_names == [f"x{j}" for j in range(6)]
    alone = CoefficientMapDisplay.from_estimator(IndependentTasks().fit(X, y))
    assert alone.output_names == display.output_names
    np.testing.assert_array_equal(
        alone.coef, np.vstack([part.coef_ for part in IndependentTasks().fit(X, y).estimators_])
    )


def test_feature_names_come_through_a_pipeline():
    X, y = regression(as_frame=True)
    pipeline = make_pipeline(
        StandardScaler(), PolynomialFeatures(2, include_bias=False), MultiTaskLasso(alpha=0.1)
    )
    display = CoefficientMapDisplay.from_estimator(pipeline.fit(X, y))
    assert display.feature_names == list(pipeline[:-1].get_feature_names_out())
    assert "x0 x1" in display.feature_names


def test_the_task_feature_is_no_row():
    X, y = make_multitask_regression(
        30, 4, n_tasks=3, n_informative=4, form="long", as_frame=True, random_state=0
    )
    task = next(name for name in X.columns if not name.startswith("x"))
    model = MultiTaskLinearRegressor("l2", alpha=0.1, task_feature=task).fit(X, y)
    display = CoefficientMapDisplay.from_estimator(model)
    assert display.feature_names == [name for name in X.columns if name != task]
    assert display.output_names == model.task_names_in_.tolist()
    position = list(X.columns).index(task)
    codes = X.assign(**{task: pd.factorize(X[task])[0]}).to_numpy(dtype=float)
    model = MultiTaskLinearRegressor("l2", alpha=0.1, task_feature=position).fit(codes, y)
    assert CoefficientMapDisplay.from_estimator(model).feature_names == [0, 1, 2, 3]


def test_no_coefficients_is_an_error():
    with pytest.raises(TypeError, match="needs a fitted linear estimator; MultiTaskMLP has no"):
        CoefficientMapDisplay.from_estimator(MultiTaskMLP())
    with pytest.raises(TypeError, match="MultiTaskLinear has no coef_"):
        CoefficientMapDisplay.from_estimator(MultiTaskLinear())


def ydata(lines):
    return np.column_stack([line.get_ydata() for line in lines])


def norms_at(model, alphas, X, y):
    """Norms of cold fits, one for each alpha."""
    return np.array(
        [np.linalg.norm(model.set_params(alpha=a).fit(X, y).coef_, axis=0) for a in alphas]
    )


def test_path_is_what_was_given():
    rng = np.random.default_rng(0)
    alphas, norms = np.geomspace(1, 0.01, 15), rng.random((15, 9))
    scores = rng.random((15, 4))
    scores[3, 1], scores[4] = np.nan, np.nan
    display = RegularizationPathDisplay(alphas, norms, alpha=alphas[6], scores=scores).plot()
    np.testing.assert_array_equal(ydata(display.lines_), norms)
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), alphas)
    np.testing.assert_array_equal(display.named_, np.argsort(-norms[6])[:6])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        np.testing.assert_allclose(display.score_line_.get_ydata(), np.nanmean(scores, axis=1))
    for ax in display.axes_:
        assert any(list(line.get_xdata()) == [alphas[6]] * 2 for line in ax.lines)
    assert display.ax_.get_xscale() == "log"


def test_errors_are_standard_errors_of_the_known_folds():
    scores = np.array([[1.0, 2.0, 4.0], [1.0, np.nan, 3.0], [5.0, np.nan, np.nan], [np.nan] * 3])
    mean, error = mean_and_error(scores)
    np.testing.assert_allclose(mean, [7 / 3, 2.0, 5.0, np.nan])
    expected = [np.std(scores[0], ddof=1) / np.sqrt(3), np.sqrt(2) / np.sqrt(2), 0.0, 0.0]
    np.testing.assert_allclose(error, expected)


def test_features_that_come_in_next_are_named_too():
    norms = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [2, 0.5, 0.7, 0.0]])
    display = RegularizationPathDisplay([1.0, 0.5, 0.1], norms, alpha=0.5).plot()
    np.testing.assert_array_equal(display.named_, [0, 2, 1])


@pytest.mark.parametrize("alphas", [[1.0, 0.1, 0.0], [0.0], [2.0]])
def test_alphas_that_are_zero_or_alone(alphas):
    display = RegularizationPathDisplay(alphas, np.ones((len(alphas), 2)), alpha=alphas[0]).plot()
    display.figure_.canvas.draw()
    assert display.ax_.get_xscale() == ("symlog" if len(alphas) == 3 else "linear")


def test_path_of_a_search():
    X, y = regression()
    search = MultiTaskLinearRegressorCV(alphas=8, tol=1e-8).fit(X, y)
    display = RegularizationPathDisplay.from_estimator(search, X, y)
    np.testing.assert_array_equal(display.alphas, search.alphas_)
    assert display.alpha == search.alpha_
    np.testing.assert_allclose(display.score_line_.get_ydata(), search.score_path_[0].mean(axis=1))
    expected = norms_at(MultiTaskLinearRegressor(tol=1e-8), search.alphas_, X, y)
    np.testing.assert_allclose(ydata(display.lines_), expected, atol=1e-4)
    assert search.alpha_ in search.alphas_
    # At other alphas there are no scores.
    assert RegularizationPathDisplay.from_estimator(search, X, y, alphas=[0.1]).scores is None


def test_path_of_a_search_over_more_than_alpha():
    X, y = make_multitask_mixed(90, 6, n_informative=4, n_count=0, random_state=0)
    grid = {"center": [False, True], "penalty__weight": [0.5, 2.0]}
    search = MultiTaskLinearCV("l21", alphas=5, grid=grid, cv=3).fit(X, y)
    display = RegularizationPathDisplay.from_estimator(search, X, y)
    best = [
        k
        for k, params in enumerate(search.params_)
        if all(search.best_params_[name] == value for name, value in params.items())
    ]
    np.testing.assert_array_equal(display.alphas, search.alphas_[best[0]])
    np.testing.assert_allclose(
        display.score_line_.get_ydata(), search.score_path_[best[0]].mean(axis=1)
    )
    chosen = list(display.alphas).index(search.alpha_)
    np.testing.assert_allclose(
        display.norms[chosen], np.linalg.norm(search.coef_, axis=0), rtol=0.02, atol=1e-3
    )


@pytest.mark.parametrize("cls", [MultiTaskLassoCV, SklearnMultiTaskLassoCV])
def test_path_of_the_twins(cls):
    X, y = make_multitask_regression(60, 8, n_tasks=3, n_informative=3, noise=0.5, random_state=0)
    search = cls(alphas=np.geomspace(1.0, 1e-3, 10), cv=3).fit(X, y)
    display = RegularizationPathDisplay.from_estimator(search, X, y)
    np.testing.assert_allclose(display.score_line_.get_ydata(), search.mse_path_.mean(axis=-1))
    assert display.axes_[1].get_ylabel() == "mean squared error"
    expected = norms_at(MultiTaskLasso(tol=1e-8), search.alphas_, X, y)
    np.testing.assert_allclose(ydata(display.lines_), expected, atol=5e-3)


def test_path_of_a_twin_with_several_ratios():
    X, y = regression()
    search = MultiTaskElasticNetCV(l1_ratio=[0.2, 0.9], alphas=6, cv=3).fit(X, y)
    display = RegularizationPathDisplay.from_estimator(search, X, y)
    row = [0.2, 0.9].index(search.l1_ratio_)
    np.testing.assert_array_equal(display.alphas, search.alphas_[row])
    np.testing.assert_allclose(display.score_line_.get_ydata(), search.mse_path_[row].mean(axis=-1))


def test_path_of_a_model_without_search():
    X, y = regression()
    model = MultiTaskLinearRegressor(alpha=0.07)
    display = RegularizationPathDisplay.from_estimator(model, X, y)
    assert not hasattr(model, "coef_")
    assert (display.alpha, display.scores, display.score_line_) == (0.07, None, None)
    # From the alpha at which nothing is left.
    assert len(display.alphas) == 30
    np.testing.assert_allclose(display.norms[0], 0.0, atol=1e-12)
    assert display.norms[1].any()
    np.testing.assert_allclose(display.alphas[0] / display.alphas[-1], 1e3)


def test_path_in_long_form_with_weights():
    X, y = make_multitask_regression(30, 4, n_tasks=3, n_informative=4, form="long", random_state=0)
    task_feature = int(np.argmin([len(np.unique(column)) for column in X.T]))
    model = MultiTaskLinearRegressor("mean_deviation", task_feature=task_feature)
    weight = np.random.default_rng(0).random(len(y))
    alphas = [0.01, 1.0, 0.1]
    display = RegularizationPathDisplay.from_estimator(
        model, X, y, alphas=alphas, sample_weight=weight
    )
    np.testing.assert_array_equal(display.alphas, [1.0, 0.1, 0.01])
    for alpha, norms in zip(display.alphas, display.norms, strict=True):
        coef = model.set_params(alpha=alpha).fit(X, y, weight).coef_
        np.testing.assert_allclose(norms, np.linalg.norm(coef, axis=0), rtol=1e-4)


def test_path_of_estimators_of_scikit_learn():
    X, y = make_multitask_regression(60, 5, n_tasks=3, n_informative=3, random_state=0)
    display = RegularizationPathDisplay.from_estimator(Ridge(alpha=2.0), X, y)
    np.testing.assert_allclose(display.alphas[[0, -1]], [200.0, 0.02])
    expected = [np.linalg.norm(Ridge(alpha=a).fit(X, y).coef_, axis=0) for a in display.alphas]
    np.testing.assert_allclose(display.norms, expected)
    one = RegularizationPathDisplay.from_estimator(Lasso(), X, y[:, 0], alphas=[0.1, 0.01])
    np.testing.assert_allclose(one.norms[0], np.abs(Lasso(0.1).fit(X, y[:, 0]).coef_))


def test_path_of_a_pipeline():
    X, y = regression(as_frame=True)
    pipeline = make_pipeline(StandardScaler(), MultiTaskLinearRegressorCV(alphas=4)).fit(X, y)
    display = RegularizationPathDisplay.from_estimator(pipeline, X, y)
    assert display.feature_names == list(X.columns)
    np.testing.assert_array_equal(display.alphas, pipeline[-1].alphas_)


def test_no_alpha_is_an_error():
    X, y = regression()
    with pytest.raises(TypeError, match=r"is fitted; got MultiTaskLinearCV"):
        RegularizationPathDisplay.from_estimator(MultiTaskLinearCV(), X, y)
    network = MultiTaskMLP((2,), max_iter=20, tol=1.0)
    with pytest.raises(TypeError, match="needs a fitted linear estimator; MultiTaskMLP has no"):
        RegularizationPathDisplay.from_estimator(network, X, y, alphas=[0.1])


def test_warnings_are_the_users():
    X, y = regression()
    with pytest.warns(ConvergenceWarning):
        RegularizationPathDisplay.from_estimator(
            MultiTaskLinearRegressor(max_iter=1, tol=1e-14, solver="proximal_gradient"),
            X,
            y,
            alphas=[1e-3],
        )
