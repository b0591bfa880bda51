"""Which values the parameters of balancing methods may have, the ends of ranges among them."""

import numpy as np
import pytest

from skmtl.neural.balancing import BALANCING, BalancingInfo

ABOVE_0 = [1e-6, 1, 1e6], [0, -0.1, np.nan, "a", None]
FROM_0 = [0, 1e-6, 1e6], [-1e-6, -0.5, np.nan, "a", None]
SHARE = [0, 0.5, 1], [-0.1, 1.1, "a", None]
RANGES = {
    ("cagrad", "c"): FROM_0,
    ("db_mtl", "beta"): ([0, 0.9], [-0.1, 1, 1.5]),
    ("dwa", "temperature"): ABOVE_0,
    ("excess_mtl", "learning_rate"): ABOVE_0,
    ("fairgrad", "alpha"): ABOVE_0,
    ("famo", "learning_rate"): ABOVE_0,
    ("famo", "gamma"): FROM_0,
    ("graddrop", "leak"): SHARE,
    ("gradnorm", "alpha"): FROM_0,
    ("gradnorm", "learning_rate"): ABOVE_0,
    ("gradvac", "beta"): SHARE,
    ("imtl_l", "learning_rate"): ABOVE_0,
    ("static", "normalize"): ([True, False], [0.5, "a", None]),
    ("static", "weight"): ([None, [0.0, 1.0]], [1.0, "a", [1.0, -1e-9], [1.0, np.inf]]),
    ("stch", "mu"): ABOVE_0,
    ("stch", "warm_up"): ([0, 1, 9], [-1, 0.5, None]),
    ("uncertainty", "learning_rate"): ABOVE_0,
}
SPACES = {"shared", "last_shared", "representation"}
FEWER = {
    "graddrop": {"shared", "representation"},
    "db_mtl": {"shared"},
    "excess_mtl": {"shared"},
}
for alias, kind in BALANCING.items():
    if "conflict_space" in kind._parameter_constraints:
        allowed = FEWER.get(alias, SPACES)
        RANGES[alias, "conflict_space"] = sorted(allowed), [*(SPACES - allowed), "", "heads", None]
    if "update_weights_every" in kind._parameter_constraints:
        RANGES[alias, "update_weights_every"] = [1, 5], [0, -1, 1.5, None]


def start(alias, name, value):
    BALANCING[alias](**{name: value}).start(BalancingInfo([0], range(2)))


def test_the_table_has_every_parameter():
    found = {(alias, name) for alias, kind in BALANCING.items() for name in kind().get_params()}
    assert found == set(RANGES)


@pytest.mark.parametrize(("alias", "name"), sorted(RANGES))
def test_ends(alias, name):
    taken, refused = RANGES[alias, name]
    for value in taken:
        start(alias, name, value)
    for value in refused:
        with pytest.raises(ValueError, match=name):
            start(alias, name, value)
