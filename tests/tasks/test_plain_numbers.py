"""An array of numbers is read as any y is, but at once."""

import numpy as np
import pytest

from skmtl import MultiTaskLinear
from skmtl._warnings import LabelWarning
from skmtl.linear import MultiTaskLasso
from skmtl.tasks._plain_numbers import read_plain_numbers
from skmtl.tasks._read_targets import read_targets


def labels(kind):
    y = np.random.default_rng(0).normal(size=(20, 3))
    if kind == "missing":
        y[3:9, 1] = y[:5, 2] = np.nan
    elif kind == "fortran":
        y = np.asfortranarray(y)
    elif kind == "float32":
        y = y.astype(np.float32)
    elif kind == "integers":
        y = (9 * y).astype(int)
    return y[:, 0] if kind == "1-D" else y


@pytest.mark.parametrize("kind", ["plain", "missing", "fortran", "float32", "integers", "1-D"])
@pytest.mark.parametrize("options", [{"kind": "regression"}, {"declared": "regression"}])
def test_the_same_as_column_by_column(kind, options):
    y = labels(kind)
    assert read_plain_numbers(y, options.get("declared", "auto"), options.get("kind", "any"))
    found = read_targets(y, **options)
    # Weights take the other way.
    expected = read_targets(y, sample_weight=np.ones(len(y)), **options)
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.weights, expected.weights)
    assert found.values.dtype == np.float64
    assert found.values.flags.c_contiguous
    assert not np.shares_memory(found.values, y)
    for one, other in zip(found.tasks.tasks, expected.tasks.tasks, strict=True):
        assert vars(one) == vars(other)
    for name in ("names", "n_labels", "is_long", "is_1d"):
        np.testing.assert_array_equal(getattr(found.tasks, name), getattr(expected.tasks, name))


@pytest.mark.parametrize("kind", ["any", "classification"])
def test_types_that_labels_decide_are_looked_at(kind):
    assert read_plain_numbers(labels("plain"), "auto", kind) is None


def test_infinity_is_named():
    y = labels("plain")
    y[4, 1] = -np.inf
    with pytest.raises(ValueError, match="Task 1: y contains infinity"):
        MultiTaskLasso().fit(np.eye(20), y)


def test_few_labels_are_told():
    y = labels("plain")
    y[1:, 2] = np.nan
    with pytest.warns(LabelWarning, match="2: one observed label"):
        MultiTaskLinear(tasks="regression").fit(np.eye(20), y)
