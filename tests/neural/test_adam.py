"""Adam here is torch's Adam, fused or not, and goes on where it stopped."""

import numpy as np
import pytest
import torch

from skmtl.neural._adam import Adam, fused_works


def run(module, optimizer, gradients):
    for step in gradients:
        optimizer.step(step)
    return [p.detach().clone() for p in module.parameters()]


def problem(dtype=torch.float64):
    torch_module = torch.nn.Linear(3, 4, dtype=dtype)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in torch_module.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=dtype))
    gradients = [
        # Transposed in memory, as the gradient of a product with a transpose is.
        [
            torch.randn(3, 4, generator=generator, dtype=dtype).mT,
            torch.randn(4, generator=generator, dtype=dtype),
        ]
        for _ in range(7)
    ]
    return torch_module, gradients


@pytest.mark.parametrize("is_fused", [True, False])
def test_against_torch(is_fused):
    module, gradients = problem()
    reference, _ = problem()
    optimizer = Adam(module, learning_rate=0.01, alpha=0.1)
    optimizer.is_fused = is_fused
    found = run(module, optimizer, gradients)
    groups = [{"params": [reference.weight], "weight_decay": 0.1}, {"params": [reference.bias]}]
    oracle = torch.optim.Adam(groups, lr=0.01)
    for step in gradients:
        reference.weight.grad, reference.bias.grad = (g.contiguous() for g in step)
        oracle.step()
    for a, b in zip(found, reference.parameters(), strict=True):
        np.testing.assert_allclose(a, b.detach(), rtol=1e-12)


def test_state_goes_on():
    module, gradients = problem(torch.float32)
    whole = run(module, Adam(module, learning_rate=0.01, alpha=0.1), gradients)
    module, _ = problem(torch.float32)
    optimizer = Adam(module, learning_rate=0.01, alpha=0.1)
    run(module, optimizer, gradients[:3])
    state = optimizer.state()
    assert all(isinstance(array, np.ndarray) for array in state.values())
    resumed = Adam(module, learning_rate=0.01, alpha=0.1, state=state)
    parts = run(module, resumed, gradients[3:])
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_parameters_without_gradient_stay():
    module, gradients = problem()
    before = module.bias.detach().clone()
    run(module, Adam(module, learning_rate=0.1, alpha=0.0), [[g[0], None] for g in gradients])
    assert torch.equal(module.bias, before)


@pytest.mark.parametrize("change", ["gone", "other signature", "other result"])
def test_a_changed_kernel_is_not_used(change, monkeypatch):
    def other_signature(parameters, gradients):
        raise AssertionError

    def other_result(parameters, *args, **kwargs):
        parameters[0].add_(1.0)

    fakes = {"other signature": other_signature, "other result": other_result}
    if change == "gone":
        monkeypatch.delattr(torch, "_fused_adam_")
    else:
        monkeypatch.setattr(torch, "_fused_adam_", fakes[change])
    fused_works.cache_clear()
    try:
        module, gradients = problem()
        optimizer = Adam(module, learning_rate=0.01, alpha=0.1)
        assert not optimizer.is_fused
        run(module, optimizer, gradients)
    finally:
        fused_works.cache_clear()
