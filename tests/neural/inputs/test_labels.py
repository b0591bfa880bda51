"""Labels as one table of numbers."""

import numpy as np
import pytest

from skmtl.neural.inputs._labels import as_numbers
from skmtl.tasks._read_targets import read_targets


@pytest.mark.filterwarnings("ignore")
def test_a_column_for_a_number_and_one_for_each_of_several_classes():
    rng = np.random.default_rng(0)
    Y = np.column_stack(
        [
            5.0 + 3.0 * rng.normal(size=40),
            rng.integers(3, size=40),
            rng.integers(2, size=40),
            np.full(40, np.nan),
            np.full(40, 7.0),
        ]
    )
    Y[:6, 0] = Y[3:9, 1] = np.nan
    kinds = ["regression", "multiclass", "binary", "regression", "regression"]
    found = as_numbers(read_targets(Y, declared=kinds))
    score, *classes, yes, constant = found.T
    assert len(classes) == 3
    for column, given in ((score, Y[:, 0]), (yes, Y[:, 2]), *((c, Y[:, 1]) for c in classes)):
        seen = ~np.isnan(given)
        np.testing.assert_allclose([column[seen].mean(), column[seen].std()], [0, 1], atol=1e-12)
        assert (column[~seen] == 0).all()
    np.testing.assert_allclose(np.corrcoef(score[6:], Y[6:, 0])[0, 1], 1.0)
    for k, column in enumerate(classes):
        assert (column[9:] > 0).tolist() == (Y[9:, 1] == k).tolist()
    assert (constant == 0).all()
