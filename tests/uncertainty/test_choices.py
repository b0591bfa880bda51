"""Class probabilities as choices, and back."""

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskLinear
from skmtl.tasks import Ordinal
from skmtl.uncertainty._choices import Choices


@pytest.fixture
def task():
    y = np.array(["mid", "low", "top", "low", "mid"], dtype=object)
    kind = Ordinal(classes=["low", "mid", "top"])
    return MultiTaskLinear(tasks=kind).fit(np.arange(5.0)[:, None], y).tasks_[0]


def test_an_order_is_a_choice_at_every_threshold(task):
    # The columns are sorted as scikit-learn sorts: low, mid, top.
    assert task.classes_.tolist() == ["low", "mid", "top"]
    choices = Choices.of(task)
    p = np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 1.0]])
    above = [0.8, 0.3, 1.0, 1.0]
    np.testing.assert_allclose(choices.split(p)[:, 1], above)
    assert choices.codes(np.array([0.0, 1.0, 2.0])).tolist() == [0, 0, 1, 0, 1, 1]


def test_the_way_back():
    y = pd.Series(pd.Categorical(["b", "c", "a", "b"], categories=["c", "a", "b"], ordered=True))
    task = MultiTaskLinear().fit(np.arange(4.0)[:, None], y).tasks_[0]
    assert task.ordered_classes_.tolist() == ["c", "a", "b"]
    choices = Choices.of(task)
    p = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    np.testing.assert_allclose(choices.join(choices.split(p)), p, atol=1e-15)
    np.testing.assert_allclose(choices.split(p)[:2, 1], [p[0, 0] + p[0, 1], p[0, 1]])
    # Of the codes of a, b, c: c is the lowest.
    assert choices.codes(np.array([0.0, 1.0, 2.0])).tolist() == [1, 0, 1, 1, 0, 0]
