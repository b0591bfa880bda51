"""Relative gains over single-task models."""

import numpy as np
import pandas as pd
import pytest

from skmtl import IndependentTasks, task_scores
from skmtl.metrics import delta_m


def test_formula():
    together, alone = np.array([0.8, 0.5, 20.0]), np.array([0.5, 1.0, 25.0])
    expected = np.mean([(0.8 - 0.5) / 0.5, (1.0 - 0.5) / 1.0, (25.0 - 20.0) / 25.0])
    assert delta_m(together, alone, greater_is_better=[True, False, False]) == pytest.approx(
        expected
    )


def test_sign_and_scale():
    rng = np.random.default_rng(0)
    together, alone = rng.uniform(0.5, 2.0, size=(2, 6))
    gain = delta_m(together, alone, average=None)
    flipped = delta_m(together, alone, greater_is_better=False, average=None)
    np.testing.assert_array_equal(gain, -flipped)
    # Errors, and the scorers' negative errors, gain alike; so do values in other units.
    np.testing.assert_allclose(delta_m(-together, -alone, average=None), flipped)
    units = 10.0 ** np.arange(6)
    np.testing.assert_allclose(delta_m(units * together, units * alone, average=None), gain)
    assert delta_m(alone, alone) == 0


def test_averages():
    together, alone = [1.2, 0.9, 1.1], [1.0, 1.0, 1.0]
    assert delta_m(together, alone) == pytest.approx(0.2 / 3)
    assert delta_m(together, alone, average="worst") == pytest.approx(-0.1)
    weighted = delta_m(together, alone, average="weighted", task_weight=[1, 2, 1])
    assert weighted == pytest.approx((0.2 - 0.2 + 0.1) / 4)


def test_dicts_are_matched_by_key():
    together = {"mean": 9.0, "worst": 9.0, "a": 1.2, "b": 0.5}
    alone = {"b": 1.0, "a": 1.0, "mean": 1.0}
    gain = delta_m(together, alone, greater_is_better={"b": False}, average=None)
    assert gain == pytest.approx({"a": 0.2, "b": 0.5})
    weighted = delta_m(together, alone, average="weighted", task_weight={"a": 3})
    assert weighted == pytest.approx((3 * 0.2 - 0.5) / 4)


class TestSeries:
    together, alone = pd.Series({"a": 1.2, "b": 0.5, "mean": 9.0}), pd.Series({"b": 1.0, "a": 1.0})

    def test_are_matched_by_their_index(self):
        expected = {"a": pytest.approx(0.2), "b": pytest.approx(0.5)}
        for signs in ({"b": False}, pd.Series({"b": False, "a": True})):
            for alone in (self.alone, dict(self.alone)):
                options = {"greater_is_better": signs, "average": None}
                assert delta_m(self.together, alone, **options) == expected
                assert delta_m(dict(self.together), alone, **options) == expected

    def test_weights(self):
        weight = pd.Series({"b": 1.0, "a": 3.0})
        found = delta_m(self.together, self.alone, average="weighted", task_weight=weight)
        assert found == pytest.approx((3 * 0.2 - 0.5) / 4)
        with pytest.raises(ValueError, match="task_weight does not have the tasks"):
            delta_m(self.together, self.alone, average="weighted", task_weight=weight[:1])

    def test_beside_an_array_the_index_are_positions(self):
        scores = pd.Series([1.2, 0.5])
        expected = {0: pytest.approx(0.2), 1: pytest.approx(-0.5)}
        for given in (scores, scores[::-1]):
            assert delta_m(given, [1.0, 1.0], average=None) == expected
            assert delta_m([1.0, 1.0], given) == delta_m([1.0, 1.0], scores.to_numpy())

    def test_refused(self):
        with pytest.raises(ValueError, match="'b' is in only one"):
            delta_m(self.together, self.alone.drop("b"))
        with pytest.raises(ValueError, match="is in only one"):
            delta_m(self.alone, [1.0, 1.0])
        with pytest.raises(ValueError, match="greater_is_better does not have the tasks"):
            delta_m(self.together, self.alone, greater_is_better=pd.Series({"a": True}))


def test_scores_of_estimators(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    assert delta_m(task_scores(model, X, y), task_scores(model, X, y)) == 0


def test_undefined_gains_do_not_count():
    gain = delta_m([1.0, np.nan, 1.5], [0.0, 1.0, 1.0], average=None)
    np.testing.assert_array_equal(np.isnan(gain), [True, True, False])
    assert delta_m([1.0, np.nan, 1.5], [0.0, 1.0, 1.0]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1.0, 2.0]), r"scores has shape \(1,\) and single_task_scores \(2,\)"),
        (({"a": 1.0}, [1.0]), "must both be dicts .*, or both arrays"),
        (({"a": 1.0}, {"b": 1.0}), "'a' is in only one"),
        (([], []), "expected"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        delta_m(*arguments)


def test_errors_of_options():
    with pytest.raises(ValueError, match=r"greater_is_better has shape \(3,\)"):
        delta_m([1.0, 2.0], [1.0, 2.0], greater_is_better=[True] * 3)
    with pytest.raises(ValueError, match="greater_is_better names 'x'"):
        delta_m({"a": 1.0}, {"a": 1.0}, greater_is_better={"x": False})
    with pytest.raises(ValueError, match="average='pooled'"):
        delta_m([1.0], [1.0], average="pooled")
