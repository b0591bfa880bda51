"""A fit goes on from a file as if it had never stopped, to the same bits."""

import os
import pickle
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural import Checkpoint
from skmtl.neural.architectures import ARCHITECTURES
from skmtl.neural.balancing import UPGrad
from skmtl.neural.training import _checkpoint, _fit
from skmtl.tasks import Binary
from tests.neural.conftest import MIXED, PLAIN, load

pytest.importorskip("sklearn.callback")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {**PLAIN, "hidden_layer_sizes": (6,), "max_iter": 9, "batch_size": 20, "random_state": 0}


class Crash:
    """Ends the process, as it were, after an epoch."""

    def __init__(self, after):
        self.after = after

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.task_id + 1 == self.after:
            raise SystemExit


def crashed(model, X, Y, path, *, after=4, every=1, **fit):
    """What is in the file after a crash."""
    with pytest.raises(SystemExit):
        model.set_callbacks(Checkpoint(path, every=every), Crash(after)).fit(X, Y, **fit)
    return load(path)


def assert_same(one, other, X):
    assert one._fitted.parameters.keys() == other._fitted.parameters.keys()
    for name, array in one._fitted.parameters.items():
        assert (array == other._fitted.parameters[name]).all(), name
    for key, array in one.history_.items():
        np.testing.assert_array_equal(array, other.history_[key])
    for name in ("n_iter_", "best_loss_", "best_validation_score_", "diverged_", "interrupted_"):
        assert getattr(one, name) == getattr(other, name), name
    assert one._task_set.n_labels.tolist() == other._task_set.n_labels.tolist()
    assert (one.predict(X) == other.predict(X)).all()
    assert vars(one).keys() - {"_skl_callbacks"} == vars(other).keys() - {"_skl_callbacks"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dropout": 0.3},
        {"early_stopping": True, "n_iter_no_change": 2, "learning_rate_init": 0.1, "max_iter": 40},
        {"solver": "adamw", "learning_rate": "cosine"},
        {"solver": "adamw", "learning_rate": "auto", "dropout": 0.2},
        {"solver": "sgd", "learning_rate": "one_cycle", "max_grad_norm": 0.1},
        {"solver": "sgd", "learning_rate": "plateau", "tol": 1.0, "n_iter_no_change": 4},
        {"balancing": "famo", "task_weight": [1, 2, 1, 0.5]},
        {"balancing": "dwa"},
        {"feature_scaling": "robust", "numeric_embedding": "piecewise_linear"},
        {"numeric_embedding": "periodic", "linear_skip": True, "early_stopping": True},
        {"balancing": "graddrop"},
        {"balancing": UPGrad(update_weights_every=5)},
        {"random_state": np.random.RandomState(3)},
        {"random_state": None},
        {"tasks": ["regression", Binary(class_weight="balanced"), "multiclass", "count"]},
    ],
    ids=lambda options: "-".join(options) or "default",
)
def test_row_37_it_goes_on_to_the_same_bits(mixed_data, options, tmp_path, monkeypatch):
    X, Y = mixed_data
    options = {**SMALL, "tasks": MIXED, **options}
    whole = MultiTaskMLP(**pickle.loads(pickle.dumps(options)))
    resumed = MultiTaskMLP(**pickle.loads(pickle.dumps(options)))
    resumed = crashed(resumed, X, Y, tmp_path / "model.pkl")
    assert resumed.n_iter_ == 4
    if options["random_state"] is None:
        # The seed was drawn: that in the file is the one to compare with.
        monkeypatch.setattr(_fit, "draw_seed", lambda _: resumed._fitted.pause.seed)
    whole.fit(X, Y)
    monkeypatch.undo()
    resumed.set_params(warm_start=True).fit(X, Y)
    assert_same(whole, resumed, X)
    # What it saved after its last epoch is there to go on from, too.
    last = load(tmp_path / "model.pkl")
    assert last.n_iter_ == whole.n_iter_
    assert_same(whole, last.fit(X, Y), X)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_row_37_every_architecture_goes_on(mixed_data, architecture, early_stopping, tmp_path):
    X, Y = mixed_data
    made = ARCHITECTURES[architecture]()
    # Everything that can be drawn in a step.
    noise = {"gate": "dselect", "gate_dropout": 0.3} if hasattr(made, "gate") else {}
    options = {**SMALL, "hidden_layer_sizes": (6, 6), "tasks": MIXED, "dropout": 0.3}
    options |= {"architecture": made.set_params(**noise), "early_stopping": early_stopping}
    whole = MultiTaskMLP(**options, head_hidden_layer_sizes=(3,))
    resumed = crashed(whole, X, Y, tmp_path / "model.pkl").set_params(warm_start=True)
    whole = MultiTaskMLP(**options, head_hidden_layer_sizes=(3,)).fit(X, Y)
    assert_same(whole, resumed.fit(X, Y), X)


def test_row_37_another_architecture_is_named(mixed_data, architecture, tmp_path):
    X, Y = mixed_data
    path = tmp_path / "model.pkl"
    kind = ARCHITECTURES[architecture]
    options = {**SMALL, "hidden_layer_sizes": (6, 6), "tasks": MIXED, "warm_start": True}
    crashed(MultiTaskMLP(**options, architecture=kind()), X, Y, path)
    other = "cascade" if architecture != "cascade" else "ple"
    changes = {"architecture": other}
    # A parameter of a trunk that is not there is no number to change.
    numbers = {k: v for k, v in kind().get_params().items() if isinstance(v, int | float)}
    for name, value in numbers.items():
        # Another one that is allowed: shares lie between 0 and 1.
        changes[f"architecture__{name}"] = (
            (value + 0.5) / 2 if isinstance(value, float) else value + 4
        )
    for change, value in changes.items():
        model = load(path).set_params(**{change: value})
        before = vars(model).copy()
        with pytest.raises(ValueError, match=rf"architecture was {kind.__name__}\(\) and is"):
            model.fit(X, Y)
        assert vars(model) == before


def test_long_form_weights_and_sparse_rows(tmp_path):
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(60, 3)), rng.uniform(size=60)
    long = np.column_stack([np.arange(60) % 3, X])
    for number, (data, options) in enumerate(
        [(long, {"task_feature": 0}), (sparse.csr_array(X), {}), (X.astype(np.float32), {})]
    ):
        path = tmp_path / f"{number}.pkl"
        whole = MultiTaskMLPRegressor(**SMALL, **options).fit(data, X[:, 0], weight)
        model = MultiTaskMLPRegressor(**SMALL, **options, warm_start=True)
        resumed = crashed(model, data, X[:, 0], path, sample_weight=weight)
        assert_same(whole, resumed.fit(data, X[:, 0], weight), data)


def test_more_epochs_are_those_of_one_fit(mixed_data, tmp_path):
    X, Y = mixed_data
    model = MultiTaskMLP(**{**SMALL, "max_iter": 5}, tasks=MIXED)
    model.set_callbacks(Checkpoint(tmp_path / "model.pkl")).fit(X, Y)
    more = load(tmp_path / "model.pkl").set_params(warm_start=True, max_iter=9).fit(X, Y)
    assert_same(MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y), more, X)


def test_a_warm_start_can_be_interrupted_as_well(mixed_data, tmp_path):
    X, Y = mixed_data
    Y[:30, 0] = np.nan

    def started():
        model = MultiTaskMLP(**SMALL, tasks=MIXED, warm_start=True)
        return model.fit(X[:40], Y[:40])

    whole = started().fit(X, Y)
    resumed = crashed(started(), X, Y, tmp_path / "model.pkl").fit(X, Y)
    assert_same(whole, resumed, X)


def test_the_file_holds_a_fitted_estimator(mixed_data, tmp_path):
    X, Y = mixed_data
    options = {**SMALL, "tasks": MIXED, "early_stopping": True}
    saved = crashed(MultiTaskMLP(**options), X, Y, tmp_path / "model.pkl", after=7, every=3)
    reference = MultiTaskMLP(**{**options, "max_iter": 6}).fit(X, Y)
    assert saved.score(X, Y) == reference.score(X, Y)
    assert saved.n_iter_ == 6
    assert saved.best_validation_score_ == reference.best_validation_score_
    assert saved.history_.keys() == reference.history_.keys()
    # Neither what the fit needed nor its data are in it.
    assert not {"_watch", "_callback_fit_ctx", "_skl_callbacks_to_teardown"} & vars(saved).keys()


def test_without_warm_start_it_starts_anew(mixed_data, tmp_path):
    X, Y = mixed_data
    resumed = crashed(MultiTaskMLP(**SMALL, tasks=MIXED), X, Y, tmp_path / "model.pkl")
    assert_same(resumed.fit(X, Y), MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y), X)
    # Nor does it go back to where it was before other training.
    resumed = load(tmp_path / "model.pkl").partial_fit(X, Y).set_params(warm_start=True)
    loss = resumed.loss_curve_[0].sum()
    assert resumed.set_params(solver="sgd").fit(X, Y).loss_curve_[0].sum() < loss


def test_row_37_differences_are_named(mixed_data, tmp_path):
    X, Y = mixed_data
    path = tmp_path / "model.pkl"
    model = MultiTaskMLP(**SMALL, tasks=MIXED, balancing=UPGrad(), warm_start=True)
    crashed(model, X, Y, path)
    for change, message in [
        ({"alpha": 0.1, "solver": "sgd"}, "alpha was 'auto' and is 0.1, solver was 'adam' and is"),
        ({"balancing__update_weights_every": 2}, r"balancing was UPGrad\(\) and is UPGrad\(up"),
        ({"hidden_layer_sizes": (7,)}, r"hidden_layer_sizes was \(6,\) and is \(7,\)"),
    ]:
        other = load(path).set_params(**change)
        before = vars(other).copy()
        with pytest.raises(ValueError, match=message):
            other.fit(X, Y)
        assert vars(other) == before
    with pytest.raises(ValueError, match="X, y or sample_weight are others"):
        load(path).fit(X[::-1], Y[::-1])
    with pytest.raises(ValueError, match="X, y or sample_weight are others"):
        load(path).fit(X, Y, np.full(len(X), 2.0))
    with pytest.raises(ValueError, match="X has 3 features"):
        load(path).fit(X[:, :3], Y)
    planned = {**SMALL, "learning_rate": "cosine"}
    planned = MultiTaskMLP(**planned, tasks=MIXED, warm_start=True)
    with pytest.raises(ValueError, match="max_iter was 9 and is 10"):
        crashed(planned, X, Y, path).set_params(max_iter=10).fit(X, Y)
    load(path).set_params(verbose=False, random_state=5).fit(X, Y)


def test_a_failed_save_leaves_the_file_before(mixed_data, tmp_path, monkeypatch):
    X, Y = mixed_data
    path = tmp_path / "model.pkl"
    saved = crashed(MultiTaskMLP(**SMALL, tasks=MIXED), X, Y, path)

    def full(*args):
        raise OSError("disk full")

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, full)
        with pytest.raises(OSError, match="disk full"):
            load(path).set_params(warm_start=True).fit(X, Y)
        monkeypatch.undo()
        assert os.listdir(tmp_path) == ["model.pkl"]
        assert_same(saved, load(path), X)


def test_what_a_killed_process_left_is_cleared_away(mixed_data, tmp_path):
    X, Y = mixed_data
    code = (
        "import os, pickle, signal, sys, types\n"
        "from skmtl import MultiTaskMLP\n"
        "from skmtl.neural import Checkpoint\n"
        "from skmtl.neural.training import _checkpoint\n"
        "def dump(estimator, file):\n"
        "    file.write(b'half')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        # Not that of everyone: what compiles keeps files, too.
        "_checkpoint.pickle = types.SimpleNamespace(**{**vars(pickle), 'dump': dump})\n"
        "model = MultiTaskMLP((4,), random_state=0)\n"
        "model.set_callbacks(Checkpoint(sys.argv[1])).fit([[0.0], [1.0]], [[0.0], [1.0]])\n"
    )
    path = tmp_path / "model.pkl"
    killed = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = os.listdir(tmp_path)
    assert re.fullmatch(r"model\.pkl\.\d+\.part", left)
    # Those of others, and of processes that run, stay.
    others = [f"other.pkl.{2**22 + 1}.part", f"model.pkl.{os.getppid()}.part", "model.pkl.x.part"]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / f"model.pkl.{os.getpid()}.part").touch()
    MultiTaskMLP(**SMALL, tasks=MIXED).set_callbacks(Checkpoint(path)).fit(X, Y)
    assert sorted(os.listdir(tmp_path)) == sorted(["model.pkl", *others])


KILLED = """
import os, pickle, signal, sys
import numpy as np
from skmtl import MultiTaskMLP
from skmtl.neural import Checkpoint
from skmtl.neural.training import _step

path, options = sys.argv[1], pickle.loads(bytes.fromhex(sys.argv[2]))
X, Y = pickle.loads(bytes.fromhex(sys.argv[3]))
steps, take = [], _step.Step.__call__

def killed(self, *args):
    # In the middle of the fourth epoch of five batches.
    steps.append(1)
    if len(steps) == 18:
        os.kill(os.getpid(), signal.SIGKILL)
    return take(self, *args)

_step.Step.__call__ = killed
MultiTaskMLP(**options).set_callbacks(Checkpoint(path)).fit(X, Y)
"""


@pytest.mark.parametrize("options", [{}, {"dropout": 0.3, "early_stopping": True}])
def test_row_37_a_process_killed_in_an_epoch_goes_on_to_the_same_bits(options, tmp_path):
    """Not asked, and not told: what is in the file is all that is left."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4))
    Y = np.where(rng.random((100, 2)) < 0.2, np.nan, X[:, :2] ** 2)
    options = {**SMALL, **options}
    path, given = tmp_path / "model.pkl", [pickle.dumps(part).hex() for part in (options, (X, Y))]
    run = subprocess.run([sys.executable, "-c", KILLED, path, *given], check=False)
    assert run.returncode == -signal.SIGKILL
    resumed = load(path)
    assert 0 < resumed.n_iter_ < options["max_iter"]
    whole = MultiTaskMLP(**options).fit(X, Y)
    assert_same(whole, resumed.set_params(warm_start=True).fit(X, Y), X)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupted_save_leaves_nothing(mixed_data, tmp_path, monkeypatch, error):
    def dump(*args):
        raise error

    monkeypatch.setattr(_checkpoint.pickle, "dump", dump)
    model = MultiTaskMLP(**SMALL, tasks=MIXED).set_callbacks(Checkpoint(tmp_path / "model.pkl"))
    with pytest.raises(error), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(*mixed_data)
    assert not os.listdir(tmp_path)


def test_what_it_needs(monkeypatch):
    with pytest.raises(ValueError, match="every=0; expected a whole number > 0"):
        Checkpoint("model.pkl", every=0)
    with pytest.raises(TypeError, match="saves fits of MultiTaskMLP; Ridge"):
        Checkpoint("model.pkl").setup(Ridge(), None)
    monkeypatch.setattr(_checkpoint, "HAS_CALLBACKS", False)
    with pytest.raises(ImportError, match=r"callbacks of scikit-learn 1\.9 or later; this is"):
        Checkpoint("model.pkl")
