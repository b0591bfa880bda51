"""What holds of every estimator, for tables of `tests.strategies`."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.problem import BY_ROW, BY_TASK, TWINS, TWINS_CV
from tests.registry import EVERY, kind_of
from tests.strategies import (
    as_polars,
    containers_of_weights,
    long_tables,
    tables,
    weights,
)

FEW = settings(max_examples=3)
every_estimator = pytest.mark.parametrize("name", sorted(EVERY))
IN_ANY_ROW_ORDER = sorted(set(EVERY) - BY_ROW)
IN_ANY_TASK_ORDER = sorted(set(EVERY) - BY_TASK)
IN_LONG_FORM = sorted(set(EVERY) - TWINS - TWINS_CV)
# What there is to say of too few labels: folds that hold nothing out.
OF_FOLDS = ("fold", "splits")


def fit(name, X, y, weight=None, **options):
    """A fit without its warnings, of ConvergenceWarning and labels that are few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return EVERY[name](**options).fit(X, y, sample_weight=weight)


def fit_or_refuse(name, X, y, weight=None, task_names=(), **options):
    """The fit; None where labels are too few or of other tasks, which the error says of a task."""
    try:
        return fit(name, X, y, weight, **options)
    except ValueError as error:
        says = str(error)
        assert any(repr(task) in says for task in task_names) or any(f in says for f in OF_FOLDS)
        return None


def exact(name):
    """Options that leave nothing to chance and little to where iterations stop."""
    if "mlp" in name:
        # alpha="auto" has rows held out, spread over the tasks in turn.
        return {"dropout": 0.0, "alpha": 1e-4}
    return {"tol": 1e-10} if "tol" in EVERY[name]().get_params(deep=False) else {}


def require_alike(one, other, table):
    """The same answers for each task, up to what iterations and rounding leave."""
    a, b = (dict(frame_of(model, table.X)) for model in (one, other))
    for task in table.names:
        scale = np.nanmax(np.abs(a[task]), initial=1e-300)
        np.testing.assert_allclose(b[task], a[task], rtol=0, atol=1e-3 * scale)


def frame_of(model, X):
    """Names of tasks with their numbers."""
    predicted = model.predict(X)
    probabilities = model.predict_proba(X) if hasattr(model, "predict_proba") else [None] * 9
    for t, task in enumerate(model.task_names_in_):
        of_task = predicted[:, t] if probabilities[t] is None else probabilities[t]
        yield task, of_task.astype(float)


def numbers(model, X):
    """Predictions and probabilities of all tasks."""
    return np.column_stack([of_task for _, of_task in frame_of(model, X)])


@every_estimator
@FEW
@given(data=st.data())
def test_numbers_are_finite_and_classes_are_those_of_the_labels(name, data):
    table = data.draw(tables(kind_of(name)))
    model = fit_or_refuse(name, table.X, table.y, task_names=table.names)
    if model is None:
        return
    assert tuple(model.task_names_in_) == table.names
    new = np.random.default_rng(0).normal(size=(data.draw(st.integers(1, 5)), 3))
    predicted = model.predict(new)
    assert predicted.shape == (len(new), len(table.names))
    assert list(model.predict_frame(new).columns) == list(table.names)
    for t, kind in enumerate(table.kinds):
        seen = {v for v in pd.Series(table.y[table.names[t]].to_list()) if not pd.isna(v)}
        if kind == "class":
            assert not seen or set(predicted[:, t]) <= seen
        elif seen:
            assert np.isfinite(predicted[:, t].astype(float)).all()


@every_estimator
@FEW
@given(data=st.data())
def test_weight_0_is_a_missing_label(name, data):
    table = data.draw(tables(kind_of(name), library="pandas"))
    weight, _ = data.draw(weights(table))
    weight = weight.reshape(len(weight), -1) * table.observed
    emptied = table.y.mask(weight == 0)
    if (emptied.isna().all() & ~table.y.isna().all()).any():
        # A column without labels does not say what they would be.
        return
    filled = table.y.ffill().bfill()
    by_name = data.draw(containers_of_weights(weight, table.names))
    one = fit_or_refuse(name, table.X, emptied, weight, task_names=table.names)
    other = fit_or_refuse(name, table.X, filled, by_name, task_names=table.names)
    assert (one is None) == (other is None)
    if one is not None:
        np.testing.assert_array_equal(numbers(one, table.X), numbers(other, table.X))


@every_estimator
@FEW
@given(data=st.data())
def test_containers_of_labels_and_weights_say_nothing(name, data):
    table = data.draw(tables(kind_of(name), library="pandas"))
    weight, given_weight = data.draw(weights(table))
    if not (table.observed * weight.reshape(len(weight), -1)).any(axis=0).all():
        # Of a column without labels the dtype says the type, and not all containers have one.
        return
    one = fit_or_refuse(name, table.X, table.y, weight, task_names=table.names)
    other = fit_or_refuse(name, table.X, as_polars(table.y), given_weight, task_names=table.names)
    assert (one is None) == (other is None)
    if one is not None:
        np.testing.assert_array_equal(numbers(one, table.X), numbers(other, table.X))


@pytest.mark.parametrize("name", IN_ANY_ROW_ORDER)
@FEW
@given(data=st.data())
def test_the_order_of_rows_says_nothing(name, data):
    table = data.draw(tables(kind_of(name), library="pandas"))
    order = np.array(data.draw(st.permutations(range(len(table.X)))))
    y = table.y.iloc[order]
    one = fit_or_refuse(name, table.X, table.y, task_names=table.names, **exact(name))
    other = fit_or_refuse(name, table.X[order], y, task_names=table.names, **exact(name))
    assert (one is None) == (other is None)
    if one is not None:
        require_alike(one, other, table)


@pytest.mark.parametrize("name", IN_ANY_TASK_ORDER)
@FEW
@given(data=st.data())
def test_the_order_of_tasks_says_nothing(name, data):
    table = data.draw(tables(kind_of(name), library="pandas"))
    order = data.draw(st.permutations(table.names))
    one = fit_or_refuse(name, table.X, table.y, task_names=table.names, **exact(name))
    other = fit_or_refuse(name, table.X, table.y[order], task_names=table.names, **exact(name))
    assert (one is None) == (other is None)
    if one is not None:
        assert tuple(other.task_names_in_) == tuple(order)
        require_alike(one, other, table)


@pytest.mark.parametrize("name", IN_LONG_FORM)
@FEW
@given(table=long_tables())
def test_long_form_knows_its_tasks_in_any_dtype(name, table):
    if kind_of(name) == "classification":
        y = np.where(np.isnan(table.y), None, np.where(table.y > np.nanmedian(table.y), "b", "a"))
    else:
        y = table.y
    model = fit_or_refuse(name, table.X, y, task_names=table.ids, task_feature="task")
    if model is None:
        return
    assert list(model.task_names_in_) == sorted(table.ids)
    predicted = model.predict(table.of_task(table.ids[:2]))
    assert predicted.shape == (2,)
    unknown = table.of_task([type(table.ids[0])("99")])
    with pytest.raises(ValueError, match="99"):
        model.predict(unknown)
    shared = fit(name, table.X, y, task_feature="task", unknown_task="shared")
    assert len(shared.predict(unknown)) == 1
