"""Sparse X is never made dense as a whole, and predicts what dense X does."""

import numpy as np
import pytest
from scipy import sparse

from skmtl import MultiTaskMLP, MultiTaskMLPCV
from skmtl.neural import _data
from skmtl.neural.training import _evaluate, _model_rows, _noise
from tests.registry import FEW_MEMBERS

N_ROWS, N_FEATURES = 1500, 300


def data(dtype=np.float64):
    rng = np.random.default_rng(0)
    X = sparse.random_array((N_ROWS, N_FEATURES), density=0.02, format="csr", dtype=dtype, rng=rng)
    signal = X[:, [0]].toarray()[:, 0] + X @ (rng.normal(size=N_FEATURES) > 1)
    Y = np.column_stack([signal, signal > np.median(signal)]).astype(float)
    Y[rng.random(Y.shape) < 0.2] = np.nan
    return X, Y


MODELS = {
    "network": lambda: MultiTaskMLP((8,), max_iter=5, batch_size=20, random_state=0),
    "early stopping": lambda: MultiTaskMLP(
        (8,), max_iter=5, batch_size=20, early_stopping=True, random_state=0
    ),
    "experts": lambda: MultiTaskMLP(
        (8,), architecture="mmoe", max_iter=3, batch_size=20, random_state=0
    ),
    "blend": lambda: MultiTaskMLPCV(**FEW_MEMBERS),
}


@pytest.mark.parametrize("layout", ["csr", "csc"])
@pytest.mark.parametrize("name", MODELS)
def test_no_more_rows_are_dense_than_fit_together(name, layout, monkeypatch):
    X, Y = data()
    # So small that a few rows are as many as should be dense at a time.
    limits = ((_data, "TOGETHER"), (_evaluate, "NUMBERS"), (_model_rows, "CHUNK"))
    for module, limit in limits:
        monkeypatch.setattr(module, limit, 20 * N_FEATURES)
    made = []

    def toarray(self, *args, **kwargs):
        made.append(self.shape)
        return whole(self, *args, **kwargs)

    whole = sparse.csr_array.toarray
    monkeypatch.setattr(sparse.csr_array, "toarray", toarray)
    MODELS[name]().fit(X.asformat(layout), Y)
    rows = [shape[0] for shape in made if shape[1] == N_FEATURES]
    assert rows
    # The most are those that tell how much noise there is.
    assert max(rows) <= _noise.N_ROWS < N_ROWS / 3


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", MODELS)
def test_predictions_of_a_fit_do_not_depend_on_the_layout(name, dtype):
    X, Y = data(dtype)
    model = MODELS[name]().fit(X, Y)
    expected = model._expected(X.toarray(), None)
    for layout in ("csr", "csc", "coo"):
        found = model._expected(model._read_new(X.asformat(layout))[0], None)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_a_fit_to_sparse_rows_is_that_to_dense_ones():
    X, Y = data()
    options = {"feature_scaling": None, "numeric_embedding": None, "max_iter": 20}
    model = MultiTaskMLP((8,), random_state=0, **options)
    sparsely = model.fit(X, Y).predict(X)
    np.testing.assert_allclose(model.fit(X.toarray(), Y).predict(X), sparsely, atol=1e-6)
