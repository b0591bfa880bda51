"""What is no number, or not finite, is found in X of any layout and named."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skmtl import IndependentTasks, MultiTaskKernelRidge, MultiTaskLinear, MultiTaskMLP
from skmtl._features import check_finite

LAYOUTS = {
    "rows": np.array,
    "columns": np.asfortranarray,
    "some columns": lambda X: np.hstack([X, X])[:, : X.shape[1]],
    "float32": lambda X: X.astype(np.float32),
    "sparse": sparse.csr_array,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("bad", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "inf")])
def test_what_is_not_finite_is_named(layout, bad, word):
    X = np.random.default_rng(0).normal(size=(20, 4))
    check_finite(LAYOUTS[layout](X), None)
    X[3, 2] = bad
    with pytest.raises(ValueError, match=rf"Input X contains {word}.*: 2 \(1\)"):
        check_finite(LAYOUTS[layout](X), None)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_numbers_whose_squares_are_too_large_are_finite(layout):
    size = 1e30 if layout == "float32" else 1e300
    check_finite(LAYOUTS[layout](np.full((20, 4), size)), None)


def text(city="city"):
    """Numbers, a column of text, and the name of a task."""
    numbers = {"x": np.arange(8.0), "z": np.arange(8) % 3}
    return {**numbers, city: ["Bern", "Oslo"] * 4, "task": ["a", "a", "b", "b"] * 2}


TEXT = {
    "pandas": lambda: (pd.DataFrame(text()), "city"),
    "category": lambda: (pd.DataFrame(text()).astype({"city": "category"}), "city"),
    "polars": lambda: (pl.DataFrame(text()), "city"),
    "list": lambda: (pd.DataFrame(text()).to_numpy().tolist(), 2),
}
WAYS = {
    MultiTaskLinear: "sklearn.preprocessing.OneHotEncoder.*MultiTaskMLP",
    MultiTaskKernelRidge: "sklearn.preprocessing.OneHotEncoder.*MultiTaskMLP",
    MultiTaskMLP: "Name it in categorical_features, or give it the dtype category",
}


@pytest.mark.parametrize("form", ["wide", "long"])
@pytest.mark.parametrize("container", TEXT)
@pytest.mark.parametrize("estimator", WAYS, ids=lambda estimator: estimator.__name__)
def test_text_is_named(estimator, container, form):
    X, name = TEXT[container]()
    if form == "wide":
        model = estimator()
        X = [row[:3] for row in X] if isinstance(X, list) else X[["x", "z", "city"]]
    else:
        model = estimator(task_feature=-1 if container == "list" else "task")
    if estimator is MultiTaskMLP:
        model.set_params(categorical_features=None)
    message = f"Column {name!r} of X holds what is no number: .*'Bern'. .*{WAYS[estimator]}"
    with pytest.raises(ValueError, match=message):
        model.fit(X, np.arange(8.0) ** 2)


@pytest.mark.parametrize("estimator", WAYS, ids=lambda estimator: estimator.__name__)
def test_what_else_is_no_number_is_named(estimator):
    X = pd.DataFrame(text())[["x", "z"]]
    when = pd.date_range("2024-01-01", periods=8)
    with pytest.raises(TypeError, match="Column 'when' of X holds what is no number: times"):
        estimator().fit(X.assign(when=when), np.arange(8.0))
    with pytest.raises(TypeError, match=r"Column 'z' of X holds .*must be a string or a real"):
        estimator().fit(X.astype({"z": object}).assign(z=[{}] * 8), np.arange(8.0))
    with pytest.raises(ValueError, match=r"Column 'z' of X holds .*Complex data not supported"):
        estimator().fit(X.assign(z=1j), np.arange(8.0))
    # What is wrong otherwise is said as scikit-learn says it.
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        estimator().fit(X[:0], np.arange(0.0))


def test_text_in_new_rows_is_named():
    X = pd.DataFrame(text())[["x", "z"]]
    model = MultiTaskLinear().fit(X, np.arange(8.0))
    with pytest.raises(ValueError, match=r"Column 'z' of X holds what is no number: .*'Bern'"):
        model.predict(X.astype({"z": object}).assign(z="Bern"))


def test_the_first_value_that_is_no_number_is_told():
    values = pd.Series([None, 1.5, "2", "Bern"], dtype=object)
    X = pd.DataFrame({"x": np.arange(4.0), "z": values})
    with pytest.raises(ValueError, match=r"Column 'z' of X holds .*: text such as 'Bern'"):
        MultiTaskLinear().fit(X, np.arange(4.0))


def test_rows_with_names_in_another_order(recwarn):
    X = pd.DataFrame({"a": np.arange(6.0), "b": np.arange(6.0) ** 2}, index=list("uvwxyz"))
    y = pd.DataFrame({"p": np.arange(6.0), "q": np.arange(6.0)[::-1]}, index=X.index)
    expected = MultiTaskLinear(alpha=0.1).fit(X, y).coef_
    for fine in (y.reset_index(drop=True), y.set_axis(list("uuwxyz")), y.to_numpy()):
        MultiTaskLinear(alpha=0.1).fit(X, fine)
    assert not recwarn
    with pytest.warns(UserWarning, match=r"same index in different orders.*y\.loc\[X\.index\]"):
        turned = MultiTaskLinear(alpha=0.1).fit(X, y[::-1])
    assert not np.allclose(turned.coef_, expected)
    with pytest.warns(UserWarning, match="same index in different orders"):
        MultiTaskLinear(alpha=0.1).fit(X, y["p"].sample(frac=1.0, random_state=0))


SERIES = pd.Series(np.arange(6.0))


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (SERIES, ValueError, "Expected (a )?2"),
        ({"a": np.arange(6.0)}, TypeError, r"X is a dict; .* pandas\.DataFrame\(X\)"),
    ],
)
def test_what_is_no_table(X, error, message):
    # A list of texts is X of a model per task that begins with a vectorizer.
    for model in (MultiTaskLinear(), MultiTaskMLP(), IndependentTasks())[: 3 - (X is SERIES)]:
        with pytest.raises(error, match=message):
            model.fit(X, np.arange(6.0))


def test_weights_are_no_word():
    with pytest.raises(ValueError, match=r"sample_weight='balanced'; expected numbers.*class_wei"):
        MultiTaskLinear().fit(np.eye(4), np.eye(4)[:, :2], sample_weight="balanced")
