"""Learning rates follow their formulas, and torch's schedulers where those agree."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural.optimizers import SGD
from skmtl.neural.optimizers._schedules import (
    CURVES,
    PLANNED,
    Averaged,
    Planned,
    Plateau,
    cosine,
    one_cycle,
)
from skmtl.neural.training._progress import Progress

RATE, N_STEPS = 0.3, 40


def optimizer(n_models=1):
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(torch.zeros(n_models, 1, dtype=torch.float64))
    options = {"learning_rate": RATE, "alpha": 0.0, "momentum": 0.0}
    return SGD(module, **options), module.weight


def rates_of(curve):
    """What a gradient of -1 moves by in each step is its learning rate."""
    inner, weight = optimizer()
    planned = Planned(inner, CURVES[curve], N_STEPS)
    path = [0.0]
    for _ in range(N_STEPS):
        planned.step([-torch.ones_like(weight)])
        path.append(weight.item())
    return np.diff(path)


def torch_rates(make):
    _, weight = optimizer()
    reference = torch.optim.SGD([weight], lr=RATE)
    scheduler = make(reference)
    rates = []
    for _ in range(N_STEPS):
        rates.append(scheduler.get_last_lr()[0])
        reference.step()
        scheduler.step()
    return rates


def test_cosine_is_that_of_torch():
    expected = torch_rates(
        lambda reference: torch.optim.lr_scheduler.CosineAnnealingLR(reference, N_STEPS)
    )
    np.testing.assert_allclose(rates_of("cosine"), expected, rtol=1e-9)
    assert [cosine(0), cosine(1)] == [1, 0]


@pytest.mark.parametrize(("strategy", "part"), [("linear", slice(12)), ("cos", slice(12, None))])
def test_one_cycle_is_that_of_torch(strategy, part):
    # It counts from the first to the last step and not to the end of it, so to one more here.
    expected = torch_rates(
        lambda reference: torch.optim.lr_scheduler.OneCycleLR(
            reference,
            RATE,
            total_steps=N_STEPS + 1,
            pct_start=(0.3 * N_STEPS + 1) / (N_STEPS + 1),
            anneal_strategy=strategy,
            final_div_factor=1e12,
            cycle_momentum=False,
        )
    )
    np.testing.assert_allclose(rates_of("one_cycle")[part], expected[part], rtol=1e-9)


def test_one_cycle_by_its_formula():
    assert one_cycle(0) == 1 / 25
    assert one_cycle(0.15) == pytest.approx((1 / 25 + 1) / 2)
    assert one_cycle(0.3) == 1
    assert one_cycle(0.65) == pytest.approx(0.5)
    assert one_cycle(1) == pytest.approx(0)


def test_plateau_is_that_of_torch(parts, mixed_data):
    made = parts(*mixed_data, ["regression", "binary", "multiclass", "count"])
    losses = [3.0, 2.0, 2.0, 1.95, 1.93, 1.92, 1.5, 1.5, 1.5, 1.45, 1.45, 1.45, 1.45, 1.3, 1.3]
    books = Progress(made.module, 1, np.ones(4), tol=0.1, n_iter_no_change=100)
    inner, weight = optimizer()
    plateau = Plateau(inner, 1, 3)
    reference = torch.optim.SGD([weight], lr=RATE)
    # torch cuts after more than ``patience`` bad epochs.
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        reference, factor=0.2, patience=2, threshold=0.1, threshold_mode="abs"
    )
    found, expected = [], []
    for loss in losses:
        books.end_epoch(np.full((1, 4), loss), None)
        plateau.end_epoch(books)
        scheduler.step(loss)
        found.append(inner.learning_rate)
        expected.append(reference.param_groups[0]["lr"])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(sorted(set(found)), [RATE / 125, RATE / 25, RATE / 5, RATE])


def test_plateau_goes_by_model(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, ["regression", "binary", "multiclass", "count"], seeds=(0, 1))
    books = Progress(made.module, 2, np.ones(4), tol=0.0, n_iter_no_change=100)
    inner, weight = optimizer(2)
    plateau = Plateau(inner, 2, 1)
    for epoch in range(2):
        books.end_epoch(np.array([[1.0] * 4, [1.0 - 0.1 * epoch] * 4]), None)
        plateau.end_epoch(books)
    plateau.step([-torch.ones_like(weight)])
    np.testing.assert_allclose(weight.detach()[:, 0], [RATE / 5, RATE], rtol=1e-12)


def averaged(n_averaged):
    inner, weight = optimizer(2)
    return Averaged(Planned(inner, lambda p: 1.0, N_STEPS), N_STEPS, n_averaged), weight


@pytest.mark.parametrize("n_averaged", [1, 7, N_STEPS])
def test_the_last_step_leaves_the_mean_of_some(n_averaged):
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(N_STEPS, 2, 1))
    stepper, weight = averaged(n_averaged)
    for step in steps[:-1]:
        stepper.step([torch.from_numpy(step)])
    path = -RATE * steps.cumsum(axis=0)
    np.testing.assert_allclose(weight.detach(), path[-2], rtol=1e-12)
    stepper.step([torch.from_numpy(steps[-1])])
    np.testing.assert_allclose(weight.detach(), path[-n_averaged:].mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("n_done", [5, 30, N_STEPS])
def test_the_mean_goes_on(n_done):
    steps = torch.from_numpy(np.random.default_rng(0).normal(size=(N_STEPS, 2, 1)))
    (first, weight), (second, other) = averaged(20), averaged(20)
    for step in steps[:n_done]:
        first.step([step])
    second.load(first.state())
    other.data.copy_(weight.data)
    for stepper in (first, second):
        for step in steps[n_done:]:
            stepper.step([step])
    assert (weight == other).all()


@pytest.mark.parametrize("name", [*CURVES, "plateau"])
def test_state_goes_on(name):
    def make():
        inner, _ = optimizer(2)
        return Plateau(inner, 2, 1) if name == "plateau" else Planned(inner, CURVES[name], N_STEPS)

    gradients = [torch.ones(2, 1, dtype=torch.float64)]
    first, second = make(), make()
    if name == "plateau":
        first._cut(np.array([0, 2]))
    for _ in range(8):
        first.step(gradients)
    second.load(first.state())
    rates = []
    for scheduled in (first, second):
        scheduled.step(gradients)
        rates.append(torch.as_tensor(scheduled.optimizer.learning_rate))
    assert (rates[0] == rates[1]).all()


def fit(**options):
    X = np.random.default_rng(0).normal(size=(50, 3))
    options = {"max_iter": 12, "batch_size": 10, "n_iter_no_change": 12, **options}
    return MultiTaskMLPRegressor((6,), random_state=0, **options).fit(X, X[:, :2])


@pytest.mark.parametrize("name", [*CURVES, "plateau"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rates_of_a_fit(name, monkeypatch):
    rates = []
    original = SGD.step

    def step(self, gradients):
        rates.append(self.learning_rate)
        original(self, gradients)

    monkeypatch.setattr(SGD, "step", step)
    options = {"tol": 1e9, "n_iter_no_change": 4} if name == "plateau" else {}
    fit(solver="sgd", learning_rate=name, learning_rate_init=RATE, **options)
    if name == "plateau":
        # The first epoch sets the mark; cuts after two, and four, further ones; then it stops.
        expected = RATE / 5.0 ** np.repeat([0, 0, 0, 1, 1, 2], 5)
    else:
        expected = np.array([RATE * CURVES[name](s / 60) for s in range(60)])
    if name == "cosine":
        # The first of twenty parts warms up.
        expected[:3] *= [1 / 3, 2 / 3, 1]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


@pytest.mark.parametrize("n_classes", [0, 1, 2])
def test_rates_by_the_share_of_classes(n_classes, monkeypatch):
    rates, states = [], []
    original = SGD.step

    def step(self, gradients):
        rates.append(self.learning_rate)
        original(self, gradients)
        states.append([p.clone() for p in self.parameters])

    monkeypatch.setattr(SGD, "step", step)
    X = np.random.default_rng(0).normal(size=(50, 3))
    Y = X[:, :2].copy()
    Y[:, :n_classes] = Y[:, :n_classes] > 0
    settings = {"max_iter": 12, "batch_size": 10, "solver": "sgd", "random_state": 0, "alpha": 0.0}
    model = MultiTaskMLP((6,), learning_rate_init=RATE, **settings).fit(X, Y)
    c, n_steps = n_classes / 2, 60
    warm_up = np.minimum(1.0, np.arange(1, n_steps + 1) / round(n_steps / 20))
    curve = c + (1 - c) * np.array([cosine(s / n_steps) for s in range(n_steps)])
    np.testing.assert_allclose(rates, RATE * curve * warm_up, rtol=1e-12)
    last = states[-max(1, round(c * n_steps / 2)) :]
    for k, kept in enumerate(model._fitted.parameters.values()):
        expected = torch.stack([state[k] for state in last]).mean(0)
        np.testing.assert_allclose(kept, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "options", [{"early_stopping": True}, {"normalization": "batch"}, {"task_feature": 0}]
)
def test_what_an_average_does_not_suit_follows_a_cosine(options):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(60) % 2, rng.normal(size=(60, 3))])
    y = (X[:, 1] > 0).astype(float)
    fits = [
        MultiTaskMLP((6,), learning_rate=name, max_iter=3, random_state=0, **options).fit(X, y)
        for name in ("auto", "cosine")
    ]
    for one, other in zip(*(fit._fitted.parameters.values() for fit in fits), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_plan_that_is_done_does_not_warn():
    with pytest.warns(ConvergenceWarning, match="Maximum number of epochs"):
        fit(learning_rate="constant")
    for name in CURVES:
        with warnings.catch_warnings():
            # What the network is like at its end is another matter.
            warnings.simplefilter("error", ConvergenceWarning)
            fit(learning_rate=name)


@pytest.mark.parametrize("name", [*CURVES, "plateau"])
def test_partial_fit_has_no_plan(name):
    X = np.random.default_rng(0).normal(size=(50, 3))
    planned, constant = (
        MultiTaskMLPRegressor((6,), learning_rate=name, random_state=0)
        for name in (name, "constant")
    )
    for _ in range(3):
        planned.partial_fit(X, X[:, :2])
        constant.partial_fit(X, X[:, :2])
    np.testing.assert_array_equal(planned.predict(X), constant.predict(X))


def test_a_plan_is_not_cut_short():
    # The loss of training stands still for a while, or rises, before the end of a plan.
    for name in CURVES:
        assert fit(learning_rate=name, tol=1e9, n_iter_no_change=1).n_iter_ == 12
    stopped = fit(learning_rate="cosine", tol=1e9, n_iter_no_change=1, early_stopping=True)
    assert stopped.n_iter_ == 3


def test_estimator_knows_every_schedule():
    allowed = MultiTaskMLPRegressor._parameter_constraints["learning_rate"][0].options
    assert allowed == {"constant", "plateau", *PLANNED}
