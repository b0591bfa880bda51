"""Networks of strangers: what they share is found, and they start from the seed of the fit."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.inspection import MultiTaskReport
from skmtl.neural import Checkpoint
from skmtl.neural.architectures import (
    Architecture,
    Custom,
    HardSharing,
    MultiTaskModule,
    NetworkSpec,
    RepresentationModule,
)
from skmtl.neural.architectures._build import build_network
from skmtl.neural.architectures._dependence import shared_parameters_of
from skmtl.testing import check_architecture
from skmtl.testing._architecture import PROPERTIES
from skmtl.testing._properties import check_one
from tests.neural.conftest import load
from tests.strangers.plain_network import Plain, PlainModule, Towers, network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STRANGERS = {
    "function": Custom(network),
    "class": Custom(Towers),
    "named": Custom(Towers, shared="trunk"),
    "base class": Plain(),
}
SPEC = NetworkSpec(5, (1, 3, 2))
every_stranger = pytest.mark.parametrize("name", STRANGERS)


def problem(n=80):
    """Tasks that disagree, a third of the labels missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    Y = np.column_stack([X[:, 0] * X[:, 1], X[:, 1] > 0, np.sin(3 * X[:, 2]), -X[:, 0]])
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y


def estimator(architecture, **options):
    settings = {"max_iter": 5, "batch_size": 32, "random_state": 0, "learning_rate_init": 0.01}
    return MultiTaskMLP(architecture=architecture, **{**settings, **options})


@every_stranger
@pytest.mark.parametrize("check", PROPERTIES)
def test_property(name, check):
    check_one(STRANGERS[name], check, PROPERTIES[check], SPEC)


@pytest.mark.parametrize(
    ("name", "balancing"),
    [(name, "pcgrad") for name in STRANGERS]
    + [("function", balancing) for balancing in ("gradnorm", "graddrop", "uncertainty")],
)
def test_balancing_changes_the_result_which_repeats(name, balancing):
    X, Y = problem()
    equal = estimator(STRANGERS[name]).fit(X, Y)
    balanced = estimator(STRANGERS[name], balancing=balancing).fit(X, Y)
    torch.rand(3)
    again = estimator(STRANGERS[name], balancing=balancing).fit(X, Y)
    np.testing.assert_array_equal(again._raw(X, None), balanced._raw(X, None))
    assert (balanced._raw(X, None) != equal._raw(X, None)).any()
    other = estimator(STRANGERS[name], balancing=balancing, random_state=1).fit(X, Y)
    assert (other._raw(X, None) != balanced._raw(X, None)).any()


@every_stranger
def test_search_and_pickle(name):
    X, Y = problem()
    grid = {"balancing": ["equal", "pcgrad"], "architecture": [STRANGERS[name], HardSharing()]}
    search = GridSearchCV(estimator("hard_sharing"), grid, cv=2, error_score="raise").fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    model = estimator(STRANGERS[name]).fit(X, Y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_report():
    X, Y = problem(40)
    model = estimator(Custom(network), max_iter=1)
    page = MultiTaskReport(model, X, Y[:, [0, 3]], cv=2, affinity=None)
    assert len(page.to_frame()) == 2


class Crash:
    """Ends the process, as it were, after three epochs."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.task_id == 2:
            raise SystemExit


@every_stranger
def test_a_fit_goes_on_from_a_checkpoint(name, tmp_path):
    pytest.importorskip("sklearn.callback")
    X, Y = problem()
    path = tmp_path / "fit.pkl"
    whole = estimator(STRANGERS[name], max_iter=6, balancing="pcgrad").fit(X, Y)
    part = estimator(STRANGERS[name], max_iter=6, balancing="pcgrad")
    with pytest.raises(SystemExit):
        part.set_callbacks(Checkpoint(path), Crash()).fit(X, Y)
    resumed = load(path)
    assert resumed.n_iter_ == 3
    resumed.set_params(warm_start=True).fit(X, Y)
    np.testing.assert_array_equal(resumed.predict(X), whole.predict(X))


@every_stranger
@pytest.mark.parametrize("early_stopping", [False, True])
def test_long_form(name, early_stopping):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(60, 5)), rng.integers(4, size=60)])
    y = X[:, 0] * (1 + X[:, 5])
    model = MultiTaskMLPRegressor(
        architecture=STRANGERS[name],
        task_feature=5,
        unknown_task="shared",
        early_stopping=early_stopping,
        max_iter=5,
        random_state=0,
    ).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.predict([[0.0, 0, 0, 0, 0, 9]])).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_and_normalisation_inside_are_those_of_torch(dtype):
    X, Y = problem()
    model = estimator(Custom(Towers), max_iter=20).fit(X.astype(dtype), Y)
    mean = model._fitted.parameters["networks.module.module.trunk.1.running_mean"]
    assert mean.any()
    np.testing.assert_array_equal(model.predict(X[:1]), model.predict(X[:1]))
    again = clone(model).fit(X.astype(dtype), Y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def names_of(module, parameters):
    names = {id(p): name.removeprefix("networks.module.") for name, p in module.named_parameters()}
    return {names[id(p)] for p in parameters}


def found(architecture, outputs=(1, 3, 2)):
    module = build_network(architecture, NetworkSpec(5, outputs))
    module.initialize([0], range(len(outputs)))
    return tuple(
        names_of(module, of()) for of in (module.shared_parameters, module.last_shared_parameters)
    )


class Hierarchy(nn.Module):
    """The second task reads what the first predicts; a scale starts at zero."""

    def __init__(self, n_features, outputs_per_task):
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(()))
        self.first = nn.Linear(n_features, outputs_per_task[0])
        self.second = nn.Linear(outputs_per_task[0], outputs_per_task[1], bias=False)
        self.unused = nn.Linear(1, 1)
        self.register_buffer("n_calls", torch.zeros(()))

    def forward(self, x):
        self.n_calls += 1
        first = self.scale * self.first(x)
        return torch.cat([first, self.second(first)], dim=-1)


def test_what_is_shared_is_found():
    trunk = {"module.0.weight", "module.0.bias", "module.2.weight", "module.2.bias"}
    assert found(Custom(network)) == (trunk, {"module.2.weight", "module.2.bias"})
    trunk = {f"module.trunk.{i}.{kind}" for i in (0, 1) for kind in ("weight", "bias")}
    assert found(Custom(Towers)) == (trunk, {"module.trunk.1.weight", "module.trunk.1.bias"})
    assert found(Plain())[0] == {"trunk.weight", "trunk.bias"}
    # Although nothing depends on anything while the scale is zero.
    shared, last = found(Custom(Hierarchy), (2, 1))
    assert shared == {"module.scale", "module.first.weight", "module.first.bias"}
    assert last == {"module.first.weight", "module.first.bias"}


def test_the_search_for_what_is_shared_leaves_no_trace():
    module = build_network(Custom(Hierarchy), NetworkSpec(5, (2, 1)))
    module.initialize([0], [0, 1])
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    state, module.training = torch.get_rng_state(), False
    module.shared_parameters()
    assert torch.equal(torch.get_rng_state(), state)
    assert not module.training
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize("n_tasks", [1, 2, 3, 8, 37])
def test_any_two_tasks_are_told_apart(n_tasks):
    # A parameter for each pair of neighbours, and one for each task.
    weights = {"pairs": torch.ones(n_tasks - 1), "own": torch.ones(n_tasks)}
    weights |= {f"pair {t}": torch.ones(()) for t in range(n_tasks - 1)}

    def outputs_of(parameters, X):
        raw = parameters["own"] + torch.zeros(n_tasks)
        for t in range(n_tasks - 1):
            both = torch.zeros(n_tasks)
            both[t : t + 2] = 1
            raw = raw + both * parameters[f"pair {t}"]
        return X[:, :1] * raw

    shared = shared_parameters_of(outputs_of, weights, [1] * n_tasks, (2,))
    expected = {f"pair {t}" for t in range(n_tasks - 1)}
    assert shared == (expected if n_tasks > 1 else {"own"})


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        ("trunk", {f"module.trunk.{i}.{kind}" for i in (0, 1) for kind in ("weight", "bias")}),
        (["trunk.1.bias"], {"module.trunk.1.bias"}),
        ((), set()),
    ],
)
def test_what_is_shared_can_be_named(shared, expected):
    assert found(Custom(Towers, shared=shared))[0] == expected


def test_a_name_that_is_none_is_refused():
    message = r"shared='trun': no parameter is called 'trun', or begins with it; there are \['heads"
    with pytest.raises(ValueError, match=message):
        found(Custom(Towers, shared="trun"))


class Choosy(nn.Module):
    """Looks its rows up in a table: random rows are no use."""

    def __init__(self, n_features, outputs_per_task):
        super().__init__()
        self.table = nn.Embedding(10, sum(outputs_per_task))

    def forward(self, x):
        if (x != x.round()).any():
            raise TypeError("rows must be whole numbers")
        return self.table(x[:, 0].long())


class Detached(nn.Linear):
    def __init__(self, n_features, outputs_per_task):
        super().__init__(n_features, sum(outputs_per_task))

    def forward(self, x):
        return super().forward(x).detach()


def test_rows_of_whole_numbers_are_tried_as_well():
    assert found(Custom(Choosy)) == (set(), set())


@pytest.mark.parametrize("factory", [Detached])
def test_what_cannot_be_found_is_to_be_named(factory):
    X, Y = problem()
    with pytest.raises(ValueError, match=r"cannot be found out .* Custom\(factory, shared=...\)"):
        estimator(Custom(factory)).fit(X, Y)


class Lists(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(n_features, n) for n in (1, 3, 2))

    def forward(self, X):
        return [head(X) for head in self.heads]


def test_a_factory_is_told_two_things():
    with pytest.raises(TypeError) as caught:
        build_network(Custom(Lists), SPEC)
    assert "made as factory(5, (1, 3, 2)): the number of features" in caught.value.__notes__[0]


def test_a_class_of_modules_is_given_as_custom():
    X, Y = problem()
    with pytest.raises(ValueError, match=r"A torch module goes in as Custom\(Lists\)"):
        MultiTaskMLP(architecture=Lists).fit(X, Y)
    with pytest.raises(AssertionError, match=r"no object with build.* as Custom\(factory\)"):
        check_architecture(Lists)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (network(5, (1,)), r"factory=Sequential\(...\) is a module; expected a function"),
        (lambda n_features, outputs: None, "returned None; expected a torch.nn.Module"),
        (
            lambda n_features, outputs: nn.Linear(n_features, 7),
            r"to shape \(1, 1, 7\); expected \(1, 1, 6\), the outputs \(1, 3, 2\)",
        ),
        (
            lambda n_features, outputs: Lists(n_features),
            r"returned a list; expected one tensor .* \(n, 6\): torch.cat\(outputs, dim=-1\)",
        ),
        (3, "'factory' parameter of Custom"),
    ],
)
def test_what_is_no_network_is_refused(factory, message):
    with pytest.raises(ValueError, match=message):
        build_network(Custom(factory), SPEC)


def test_an_error_of_the_module_names_the_rows():
    with pytest.raises(RuntimeError) as caught:
        build_network(Custom(lambda n_features, outputs: nn.Linear(2, sum(outputs))), SPEC)
    assert "one row of shape (5,)" in caught.value.__notes__[0]


def test_tasks_without_labels_get_no_outputs_and_images_keep_their_shape():
    seen = []

    def convolution(shape, outputs_per_task):
        seen.append((shape, outputs_per_task))
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.LazyLinear(sum(outputs_per_task)))

    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 1, 5, 5)).astype(np.float32)
    Y = np.column_stack([X.mean(axis=(1, 2, 3)), np.full(30, np.nan), X[:, 0, 0, 0]])
    with pytest.warns(UserWarning):
        model = estimator(
            Custom(convolution, shared=["0"]), tasks=["regression"] * 3, balancing="pcgrad"
        ).fit(X, Y)
    assert set(seen) == {((1, 5, 5), (1, 1))}
    assert np.isfinite(model.predict(X)[:, [0, 2]]).all()


def test_frozen_parameters_stay():
    def frozen(n_features, outputs_per_task):
        made = network(n_features, outputs_per_task)
        made[0].requires_grad_(False)
        return made

    X, Y = problem()
    states = [estimator(Custom(frozen), max_iter=n).fit(X, Y)._fitted.parameters for n in (1, 4)]
    first, last = (state["networks.module.module.0.weight"] for state in states)
    np.testing.assert_array_equal(first, last)


class Reading(RepresentationModule):
    """A representation that all tasks read, a penalty, and layers of torch."""

    def __init__(self, spec):
        super().__init__()
        self.trunk = nn.Linear(spec.n_features, 4)
        self.heads = nn.Linear(4, spec.n_outputs)

    def represent(self, X):
        return self.trunk(X).tanh()

    def read_out(self, representation, task_index=None):
        return self.heads(representation)

    def penalty(self):
        return 0.1 * self.heads.weight.square().sum()[None]


class ReadingArchitecture(Architecture):
    alias = "reading"

    def build(self, spec):
        return Reading(spec)


def test_representations_and_penalties_have_a_model_dimension_too():
    spec = NetworkSpec(5, (1, 3, 2))
    for check in ("models side by side are the same models alone",
                  "gradients agree with finite differences",
                  "shared parameters are those that more than one loss depends on"):  # fmt: skip
        check_one(ReadingArchitecture(), check, PROPERTIES[check], spec)
    module = build_network(ReadingArchitecture(), replace(spec, n_models=2))
    module.initialize([1, 2], [0, 1, 2])
    assert isinstance(module, RepresentationModule)
    assert module.penalty().shape == (2,)
    X, Y = problem()
    fits = [
        estimator(ReadingArchitecture(), balancing=balancing).fit(X, Y)
        for balancing in ("equal", "graddrop")
    ]
    assert (fits[0].predict(X) != fits[1].predict(X)).any()


class SaysTooMuch(Plain):
    """Has the model dimension, it says, but parameters that nothing draws."""

    has_model_dimension = True


def test_parameters_that_nothing_draws_are_refused():
    message = r"SaysTooMuch.has_model_dimension is True, but nothing draws \['trunk.weight'"
    with pytest.raises(ValueError, match=message):
        build_network(SaysTooMuch(), SPEC)


class DrawsItself(SaysTooMuch):
    def build(self, spec):
        return Drawn(spec.n_features, spec.outputs_per_task)


class Drawn(PlainModule):
    def initialize(self, seeds, task_keys, activation="relu"):
        for p in self.parameters():
            nn.init.constant_(p, 0.5)


def test_a_module_that_draws_itself_is_taken_at_its_word():
    assert type(build_network(DrawsItself(), SPEC)) is Drawn


class WronglyNamed(Plain):
    def build(self, spec):
        module = super().build(spec)
        module.shared_parameters = lambda: list(module.heads.parameters())
        return module


class Forgetful(PlainModule):
    """In long form it has always the first task in mind."""

    def forward(self, X, task_index=None):
        return super().forward(X, None if task_index is None else 0 * task_index)


class ForgetfulArchitecture(Plain):
    def build(self, spec):
        return Forgetful(spec.n_features, spec.outputs_per_task)


class Crooked(PlainModule):
    """A gradient that is not that of what it computes."""

    def forward(self, X, task_index=None):
        raw = super().forward(X, task_index)
        return raw.detach() + 2 * (raw - raw.detach())


class CrookedArchitecture(Plain):
    def build(self, spec):
        return Crooked(spec.n_features, spec.outputs_per_task)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (WronglyNamed(), "heads.* is shared, and moves no two losses|is not among the shared"),
        (ForgetfulArchitecture(), "long form gives a row what wide form gives its task"),
        (CrookedArchitecture(), "gradients agree with finite differences"),
    ],
)
def test_a_lack_is_named(architecture, message):
    with pytest.raises(AssertionError, match=message):
        check_architecture(architecture, spec=SPEC)


def test_it_is_a_multi_task_module():
    assert isinstance(build_network(Custom(network), SPEC), MultiTaskModule)
