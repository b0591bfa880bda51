"""Settings that speak of single tasks, cut to some of them."""

import pytest

from skmtl import MultiTaskLinear, MultiTaskMLP
from skmtl.tasks._some_tasks import cut_settings


@pytest.mark.parametrize("penalty", ["auto", "l21"])
def test_a_penalty_that_is_the_same_for_any_tasks_is_left_as_it_is(penalty):
    some = ["a", "b", "c"], [0, 2], {"a": "a", "c": "c"}
    assert "penalty" not in cut_settings(MultiTaskLinear(penalty), *some)


@pytest.mark.parametrize(
    ("monitor", "expected"), [("mean", None), ("worst", None), ("c", "z"), ("b", "mean")]
)
def test_the_task_that_stopping_goes_by_is_called_what_it_is_called_there(monitor, expected):
    some = ["a", "b", "c"], [0, 2], {"a": "y", "c": "z"}
    assert cut_settings(MultiTaskMLP(monitor=monitor), *some).get("monitor") == expected
