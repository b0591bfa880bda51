"""The optimizers are those of torch, fused or not, and go on where they stopped."""

import numpy as np
import pytest
import torch
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from skmtl import MultiTaskMLP
from skmtl.neural.optimizers import OPTIMIZERS, SGD, Adam, AdamW
from skmtl.neural.optimizers._base import fused_works

# What is tested, its oracle, and torch's kernel.
KINDS = {
    "adam": (Adam, torch.optim.Adam, {}, "_fused_adam_"),
    "adamw": (AdamW, torch.optim.AdamW, {}, "_fused_adamw_"),
    "nesterov": (SGD, torch.optim.SGD, {"momentum": 0.8, "nesterov": True}, "_fused_sgd_"),
    "momentum": (SGD, torch.optim.SGD, {"momentum": 0.8, "nesterov": False}, "_fused_sgd_"),
    "sgd": (SGD, torch.optim.SGD, {"momentum": 0.0, "nesterov": False}, "_fused_sgd_"),
}
every_kind = pytest.mark.parametrize("name", KINDS)
# None: the compiled pass, where the optimizer has one.
fused_and_plain = pytest.mark.parametrize("is_fused", [True, False, None])


def make(name, module, **options):
    kind, _, more, _ = KINDS[name]
    return kind(module, **{"learning_rate": 0.01, "alpha": 0.1, **more, **options})


def run(module, optimizer, gradients):
    """Parameters after each step."""
    path = []
    for step in gradients:
        optimizer.step(step)
        path.append([p.detach().clone() for p in module.parameters()])
    return path


def problem(dtype=torch.float64):
    module = torch.nn.Linear(3, 4, dtype=dtype)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=dtype))
    gradients = [
        # Transposed in memory, as the gradient of a product with a transpose is.
        [
            torch.randn(3, 4, generator=generator, dtype=dtype).mT,
            torch.randn(4, generator=generator, dtype=dtype),
        ]
        for _ in range(7)
    ]
    return module, gradients


@every_kind
@fused_and_plain
def test_every_step_is_that_of_torch(name, is_fused):
    module, gradients = problem()
    reference, _ = problem()
    found = run(module, make(name, module, is_fused=is_fused), gradients)
    groups = [
        {"params": [reference.weight], "weight_decay": 0.1},
        {"params": [reference.bias], "weight_decay": 0.0},
    ]
    kind, oracle, options, _ = KINDS[name]
    if hasattr(kind, "beta2"):
        options = {"betas": (0.9, kind.beta2)}
    oracle = oracle(groups, lr=0.01, **options)
    for parameters, step in zip(found, gradients, strict=True):
        reference.weight.grad, reference.bias.grad = (g.contiguous() for g in step)
        oracle.step()
        for a, b in zip(parameters, reference.parameters(), strict=True):
            np.testing.assert_allclose(a, b.detach(), rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.8])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_is_that_of_scikit_learn(momentum, nesterov):
    module, gradients = problem()
    expected = [p.detach().numpy().copy() for p in module.parameters()]
    oracle = SGDOptimizer(expected, 0.01, momentum=momentum, nesterov=nesterov)
    optimizer = SGD(module, learning_rate=0.01, alpha=0.0, momentum=momentum, nesterov=nesterov)
    for parameters, step in zip(run(module, optimizer, gradients), gradients, strict=True):
        oracle.update_params(expected, [g.numpy() for g in step])
        for a, b in zip(parameters, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@every_kind
def test_kernels_are_used_where_they_are(name):
    assert make(name, problem()[0]).is_fused


@every_kind
def test_a_rate_for_each_model(name):
    module, gradients = problem()
    rates = np.array([0.1, 0.2, 0.05, 0.4])
    optimizer = make(name, module)
    optimizer.set_rates(rates)
    together = run(module, optimizer, gradients)[-1]
    for k, rate in enumerate(rates):
        module, _ = problem()
        optimizer = make(name, module)
        optimizer.set_rates(np.full(4, rate))
        assert optimizer.is_fused
        alone = run(module, optimizer, gradients)[-1]
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_allclose(a[k], b[k], rtol=1e-12)


@pytest.fixture
def one_pass(monkeypatch):
    """Steps by `OnePass`, and not torch's kernels, where nothing is compiled as well."""
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)


@pytest.mark.usefixtures("one_pass")
@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_models_side_by_side_move_as_alone_to_the_bit(name):
    generator = torch.Generator().manual_seed(0)
    rates, alphas = np.array([0.1, 0.1, 1e-3]), np.array([0.0, 0.5, 0.5])
    steps = [
        [torch.randn(3, 5, 7, generator=generator), None, torch.randn(3, 1, 7, generator=generator)]
        for _ in range(5)
    ]

    def module(models):
        made = torch.nn.Module()
        for part, shape in (("weight", (5, 7)), ("unused", (2,)), ("bias", (1, 7))):
            made.register_parameter(part, torch.nn.Parameter(torch.ones(models, *shape)))
        return made

    together = module(3)
    run(together, make(name, together, learning_rate=rates, alpha=alphas), steps)
    for k in range(3):
        alone = module(1)
        optimizer = make(name, alone, learning_rate=rates[k], alpha=alphas[k])
        assert optimizer.one_pass is not None
        run(alone, optimizer, [[g if g is None else g[k : k + 1] for g in step] for step in steps])
        for ours, theirs in zip(together.parameters(), alone.parameters(), strict=True):
            assert torch.equal(ours[k], theirs[0])


@pytest.mark.usefixtures("one_pass")
def test_moments_die_out_before_they_slow_arithmetic_down():
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(torch.ones(1, 4))
    optimizer = make("adam", module, alpha=0.0)
    optimizer.step([torch.full((1, 4), 1e-3)])
    for _ in range(900):
        optimizer.step([torch.zeros(1, 4)])
    (first,), (second,) = optimizer.kept
    assert (first == 0).all()
    assert (second > 1e-30).all()
    assert torch.isfinite(module.weight).all()


@every_kind
def test_state_goes_on(name):
    module, gradients = problem(torch.float32)
    whole = run(module, make(name, module), gradients)
    module, _ = problem(torch.float32)
    optimizer = make(name, module)
    run(module, optimizer, gradients[:3])
    state = optimizer.state()
    assert all(isinstance(array, np.ndarray) for array in state.values())
    resumed = make(name, module)
    resumed.load(state)
    parts = run(module, resumed, gradients[3:])
    assert all(torch.equal(a, b) for a, b in zip(whole[-1], parts[-1], strict=True))


@every_kind
def test_parameters_without_gradient_stay(name):
    module, gradients = problem()
    before = module.bias.detach().clone()
    run(module, make(name, module), [[g[0], None] for g in gradients])
    assert torch.equal(module.bias, before)


@every_kind
@pytest.mark.parametrize("change", ["gone", "other signature", "other result"])
def test_a_changed_kernel_is_not_used(name, change, monkeypatch):
    def other_signature(parameters, gradients):
        raise AssertionError

    def other_result(parameters, *args, **kwargs):
        parameters[0].add_(1.0)

    fakes = {"other signature": other_signature, "other result": other_result}
    kernel = KINDS[name][-1]
    if change == "gone":
        monkeypatch.delattr(torch, kernel)
    else:
        monkeypatch.setattr(torch, kernel, fakes[change])
    fused_works.cache_clear()
    try:
        module, gradients = problem()
        optimizer = make(name, module)
        assert not optimizer.is_fused
        run(module, optimizer, gradients)
    finally:
        fused_works.cache_clear()


def test_all_are_registered():
    assert set(OPTIMIZERS.values()) == {kind for kind, *_ in KINDS.values()}
    assert MultiTaskMLP._parameter_constraints["solver"][0].options == set(OPTIMIZERS)


@pytest.mark.parametrize(
    ("solver", "options", "told"),
    [
        ("adamw", {}, {}),
        ("sgd", {}, {"momentum": 0.9, "nesterov": True}),
        (
            "sgd",
            {"momentum": 0.7, "nesterovs_momentum": False},
            {"momentum": 0.7, "nesterov": False},
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_fit_steps_by_it(solver, options, told, monkeypatch):
    made = []
    original = OPTIMIZERS[solver].__init__

    def noted(self, module, **given):
        # Not the trial of the kernel.
        if "is_fused" not in given:
            made.append(given)
        original(self, module, **given)

    monkeypatch.setattr(OPTIMIZERS[solver], "__init__", noted)
    X = np.random.default_rng(0).normal(size=(50, 3))
    model = MultiTaskMLP((6,), solver=solver, alpha=0.1, learning_rate_init=0.05, max_iter=9)
    model.set_params(random_state=0, **options).fit(X, X)
    assert made == [{"learning_rate": 0.05, "alpha": 0.1, **told}]
    assert model.loss_curve_[-1].sum() < model.loss_curve_[0].sum()
