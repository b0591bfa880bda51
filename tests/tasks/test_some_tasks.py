"""Settings that speak of single tasks, cut to some of them."""

from skmtl import MultiTaskLinear
from skmtl.linear.penalties import L21
from skmtl.tasks._some_tasks import cut_settings


def test_a_penalty_that_the_form_of_y_chooses_is_left_to_the_estimator():
    some = ["a", "b", "c"], [0, 2], {"a": "a", "c": "c"}
    assert "penalty" not in cut_settings(MultiTaskLinear("auto"), *some)
    assert isinstance(cut_settings(MultiTaskLinear("l21"), *some)["penalty"], L21)
