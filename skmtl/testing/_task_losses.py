"""Loss, gradient, curvature and conjugate of a task type are those of one convex function."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skmtl.testing._task_case import Case


def gradient(case: Case) -> None:
    """`loss_and_grad` gives the loss and its gradient."""
    task, h = case.task, 1e-6
    loss, gradient = task.loss_and_grad(case.raw, case.values)
    assert loss.shape == case.values.shape
    assert gradient.shape == case.raw.shape
    for k in range(task.n_outputs_):
        step = h * np.eye(task.n_outputs_)[k]
        above, _ = task.loss_and_grad(case.raw + step, case.values)
        below, _ = task.loss_and_grad(case.raw - step, case.values)
        assert_allclose((above - below) / (2 * h), gradient[:, k], atol=1e-7, rtol=1e-6)


def curvature(case: Case) -> None:
    """`curvature` is the slope of the gradient, and `curvature_matrix` has its columns."""
    task, h, direction = case.task, 1e-6, case.rng.normal(size=case.raw.shape)
    _, above = task.loss_and_grad(case.raw + h * direction, case.values)
    _, below = task.loss_and_grad(case.raw - h * direction, case.values)
    curvature = task.curvature(case.raw, case.values, direction)
    assert_allclose((above - below) / (2 * h), curvature, atol=1e-7, rtol=1e-6)
    matrix = task.curvature_matrix(case.raw, case.values)
    assert_allclose(np.einsum("...kl,...l->...k", matrix, direction), curvature, atol=1e-12)


def is_convex(case: Case) -> None:
    """`curvature` is never negative: the loss is convex."""
    direction = case.rng.normal(size=case.raw.shape)
    curvature = case.task.curvature(case.raw, case.values, direction)
    assert ((direction * curvature).sum(axis=-1) >= -1e-12).all()


def conjugate(case: Case) -> None:
    """`conjugate` is that of the loss: Fenchel-Young, with equality at the gradient."""
    task, values = case.task, case.values
    loss, gradient = task.loss_and_grad(case.raw, values)
    inner = (case.raw * gradient).sum(axis=-1)
    assert_allclose(loss + task.conjugate(gradient, values), inner, atol=1e-10)
    _, inside = task.loss_and_grad(case.rng.normal(size=case.raw.shape), values)
    anywhere = case.rng.normal(size=case.raw.shape)
    for dual in (inside, 0.5 * inside, anywhere, np.zeros_like(anywhere)):
        gap = loss + task.conjugate(dual, values) - (case.raw * dual).sum(axis=-1)
        assert (gap >= -1e-10).all()
    assert np.isfinite(task.conjugate(inside, values)).all()


def any_shape(case: Case) -> None:
    """losses are elementwise: raw has shape (..., n_outputs), values (...)."""
    task, shape = case.task, (2, case.n_labels // 2)
    n = 2 * shape[1]
    raw, values = case.raw[:n], case.values[:n]
    folded = raw.reshape(*shape, -1), values.reshape(shape)
    for found, flat in zip(
        task.loss_and_grad(*folded), task.loss_and_grad(raw, values), strict=True
    ):
        assert_array_equal(found, flat.reshape(found.shape))
    slope = task.loss_and_grad(raw, values)[1]
    folded_slope = slope.reshape(folded[0].shape)
    curvature = task.curvature(*folded, folded_slope)
    conjugate = task.conjugate(folded_slope, folded[1])
    assert_array_equal(curvature, task.curvature(raw, values, slope).reshape(curvature.shape))
    assert_array_equal(conjugate, task.conjugate(slope, values).reshape(conjugate.shape))


def shape_slope(case: Case) -> None:
    """`shape_slope` gives the derivatives of the loss with respect to `shape_`."""
    task, h = case.task, 1e-6
    slope = task.shape_slope(case.raw, case.values)
    assert slope.shape == (*case.values.shape, task.n_shapes)
    for k in range(task.n_shapes):
        shape, step = task.shape_, h * np.eye(task.n_shapes)[k]
        losses = []
        for task.shape_ in (shape + step, shape - step):
            losses.append(task.loss_and_grad(case.raw, case.values)[0])
        task.shape_ = shape
        assert_allclose((losses[0] - losses[1]) / (2 * h), slope[:, k], atol=1e-7, rtol=1e-6)


def torch_shape(case: Case) -> None:
    """`torch_loss` takes raw scores with the shape behind the first as it takes `shape_`."""
    import torch

    task = case.task
    if not task.n_shapes:
        return
    loss, _ = task.loss_and_grad(case.raw, case.values)
    raw = np.hstack([case.raw, np.tile(task.shape_, (case.n_labels, 1))])
    whole = task.torch_loss(torch.tensor(raw), torch.tensor(case.values))
    assert_allclose(whole.numpy(), loss, rtol=1e-12, atol=1e-12)
    assert_allclose(task.inverse_link(raw), case.expected, rtol=1e-12)


def torch_twin(case: Case) -> None:
    """`torch_loss` and `torch_loss_and_grad` are the same functions in torch."""
    import torch

    loss, gradient = case.task.loss_and_grad(case.raw, case.values)
    for dtype, rtol in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        raw = torch.tensor(case.raw, dtype=dtype, requires_grad=True)
        values = torch.tensor(case.values, dtype=dtype)
        twin = case.task.torch_loss(raw, values)
        assert twin.dtype == dtype
        twin.sum().backward()
        written, slope = case.task.torch_loss_and_grad(raw.detach(), values)
        assert raw.grad is not None
        for found, expected in (
            (twin.detach(), loss),
            (raw.grad, gradient),
            (written, loss),
            (slope, gradient),
        ):
            assert_allclose(found.numpy(), expected, rtol=rtol, atol=rtol)


def torch_link(case: Case) -> None:
    """`torch_inverse_link`, where there is one, is `inverse_link` in torch."""
    import torch

    raws = [case.raw]
    if case.task.n_shapes:
        raws.append(np.hstack([case.raw, np.tile(case.task.shape_, (case.n_labels, 1))]))
    for dtype, rtol in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        for raw in raws:
            try:
                twin = case.task.torch_inverse_link(torch.tensor(raw, dtype=dtype))
            except NotImplementedError:
                return
            assert twin.dtype == dtype
            assert_allclose(twin.numpy(), case.expected, rtol=rtol, atol=rtol)


def torch_average(case: Case) -> None:
    """`inverse_link` of `torch_average` is the mean of the `inverse_link` of members."""
    import torch

    members = np.stack([case.raw, case.rng.normal(size=case.raw.shape)])
    average = case.task.torch_average(torch.tensor(members)).numpy()
    mean = np.mean([case.task.inverse_link(raw) for raw in members], axis=0)
    assert_allclose(case.task.inverse_link(average), mean, rtol=1e-9)


def loss_of_constant(case: Case) -> None:
    """`raw_prior` has the least loss of all constants."""
    task = case.task
    raw = task.raw_prior(case.values, case.weight)
    _, gradient = task.loss_and_grad(case.constant(raw), case.values)
    scale = case.weight @ np.abs(gradient) + 1e-9
    assert (np.abs(case.weight @ gradient) <= 1e-8 * scale).all()
