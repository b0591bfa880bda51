"""Networks of blocks."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from skmtl import MultiTaskMLP, MultiTaskMLPCV, MultiTaskMLPRegressor
from skmtl.neural._stored import BlockRows
from skmtl.sources import ArraySource, Source

N_ROWS = 3_000
OPTIONS = {"hidden_layer_sizes": (16,), "max_iter": 4, "random_state": 0, "batch_size": 128}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 4)).astype(np.float32)
    Y = np.column_stack([X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=N_ROWS), X[:, 2] > X[:, 3]])
    Y[::3, 0] = Y[:40] = np.nan
    return X, Y


class InOrder(Source):
    """Blocks that only come one after the other."""

    def __init__(self, *parts, size=400):
        self.parts, self.size = parts, size

    def __iter__(self):
        for i in range(0, len(self.parts[0]), self.size):
            yield tuple(part[i : i + self.size] for part in self.parts)


def sources(X, Y):
    blocks = [(X[i : i + 400], Y[i : i + 400]) for i in range(0, len(X), 400)]
    return [ArraySource(X, Y, block_rows=400), blocks, InOrder(X, Y)]


@pytest.mark.parametrize("kind", range(3))
def test_a_source_with_room_in_memory_is_read_into_it(kind):
    X, Y = data()
    found = MultiTaskMLP(**OPTIONS).fit(sources(X, Y)[kind])
    assert (found.predict(X) == MultiTaskMLP(**OPTIONS).fit(X, Y).predict(X)).all()


@pytest.mark.usefixtures("stays_stored")
@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"balancing": "pcgrad"}])
def test_as_good_as_in_memory(kind, options):
    X, Y = data()
    labels = np.where(np.isnan(Y), [[0.0, 1.0]], Y)
    whole = MultiTaskMLP(**OPTIONS, **options).fit(X, Y)
    found = MultiTaskMLP(**OPTIONS, **options).fit(sources(X, Y)[kind])
    assert found.n_iter_ == whole.n_iter_
    assert abs(found.score(X, labels) - whole.score(X, labels)) < 0.05
    again = MultiTaskMLP(**OPTIONS, **options).fit(sources(X, Y)[kind])
    assert (again.predict(X) == found.predict(X)).all()
    assert (pickle.loads(pickle.dumps(found)).predict(X) == found.predict(X)).all()


@pytest.mark.usefixtures("stays_stored")
def test_scaling_is_that_of_memory(monkeypatch):
    from skmtl.neural.inputs import _inputs
    from skmtl.sources import _stored_rows

    monkeypatch.setattr(_stored_rows, "FEWEST_ROWS", 600)
    monkeypatch.setattr(_inputs, "SAMPLE", 600)
    X, Y = data()
    X[5, 1] = X[1700, 2] = np.nan
    whole = MultiTaskMLP(**OPTIONS).fit(X, Y)
    found = MultiTaskMLP(**OPTIONS).fit(sources(X, Y)[2])
    for name in ("center", "factor"):
        of_all = getattr(whole._fitted.inputs.scaling, name)
        assert (getattr(found._fitted.inputs.scaling, name) == of_all).all()
    assert found._fitted.inputs.n_inputs == whole._fitted.inputs.n_inputs


@pytest.mark.usefixtures("stays_stored")
@pytest.mark.parametrize("size", [100, 128, 700])
def test_every_row_is_in_one_batch_of_an_epoch(size, monkeypatch):
    X, Y = data()
    X[:, 0] = np.arange(N_ROWS)
    seen = []
    monkeypatch.setattr(MultiTaskMLP, "_fit", lambda self, X, targets: seen.append((X, targets)))
    MultiTaskMLP(**OPTIONS).fit(ArraySource(X, np.nan_to_num(Y), block_rows=400))
    [(stored, targets)] = seen

    class AsTheyAre:
        n_inputs = 4

        @staticmethod
        def transform(X, dtype):
            return X.astype(dtype)

    from skmtl.neural._stored import StoredInputs

    inputs = StoredInputs(stored, AsTheyAre(), np.float32)
    ones = np.random.default_rng(0).uniform(0.5, 1.0, size=targets.values.shape)
    rows = BlockRows(inputs, targets.values, ones, None, 2, torch.device("cpu"))
    batches = list(rows.epoch([np.random.default_rng(1)], size))
    assert len(batches) == -(-N_ROWS // size)
    assert all(batch.X.shape[1] == size for batch in batches[:-1])
    place = torch.cat([batch.X[0, :, 0] for batch in batches]).numpy().astype(int)
    assert sorted(place) == list(range(N_ROWS))
    # Labels and weights go with their rows; neighbours are far apart.
    values = torch.cat([batch.values[0] for batch in batches]).numpy()
    np.testing.assert_array_equal(values, targets.values[place].astype(np.float32))
    weights = torch.cat([batch.weights[0] for batch in batches]).numpy()
    np.testing.assert_array_equal(weights, ones[place].astype(np.float32))
    assert np.abs(np.diff(place)).mean() > 100
    in_order = torch.cat([batch.values[0] for batch in rows.in_order(1, 256)]).numpy()
    np.testing.assert_array_equal(in_order, targets.values.astype(np.float32))


@pytest.mark.usefixtures("stays_stored")
def test_categories_of_all_blocks():
    X, Y = data()
    names = np.where(np.arange(N_ROWS) < 1500, "a", np.where(X[:, 0] > 0, "b", "c"))
    Y[:, 0] = (names == "b") * 2.0 + 0.1 * X[:, 1]
    frame = pd.DataFrame(X[:, 1:]).add_prefix("x").assign(kind=names)
    blocks = []
    for i in range(0, N_ROWS, 500):
        part = frame.iloc[i : i + 500].copy()
        part["kind"] = part["kind"].astype("category")
        blocks.append((part, Y[i : i + 500, 0]))
    frame["kind"] = frame["kind"].astype("category")
    found = MultiTaskMLPRegressor(**OPTIONS).fit(blocks)
    assert found._categories[3].tolist() == ["a", "b", "c"]
    assert found.score(frame, Y[:, 0]) > 0.8


@pytest.mark.usefixtures("stays_stored")
def test_long_form():
    X, _ = data()
    task = np.repeat(["u", "v", "w"], N_ROWS // 3)
    frame = pd.DataFrame(X).add_prefix("x").assign(task=task)
    y = X[:, 0] * np.repeat([1.0, -1.0, 2.0], N_ROWS // 3)
    model = MultiTaskMLPRegressor(**OPTIONS, task_feature="task")
    found = model.fit(ArraySource(frame, y, block_rows=400))
    assert found.task_names_in_.tolist() == ["u", "v", "w"]
    assert found.score(frame, y) > 0.9


def test_what_needs_all_rows_says_so():
    X, Y = data()
    with pytest.raises(ValueError, match="MultiTaskMLPCV does not learn from blocks"):
        MultiTaskMLPCV().fit(ArraySource(X, Y))
    with pytest.raises(ValueError, match="Block 1: Input X contains infinity in 1 column"):
        MultiTaskMLP().fit([(X, Y), (np.where(X.max() == X, np.inf, X), Y)])


@pytest.mark.usefixtures("stays_stored")
def test_an_iterator_is_used_up():
    X, Y = data()
    with pytest.raises(ValueError, match="gives its blocks once"):
        MultiTaskMLP(**OPTIONS).fit(iter(sources(X, Y)[1]))
