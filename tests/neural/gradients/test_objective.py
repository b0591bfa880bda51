"""The losses and gradients that training follows are those of the objective."""

import numpy as np
import pytest
import torch

from skmtl.tasks import Binary, Count, Multiclass, Regression
from tests.neural.conftest import MIXED

LOSSES = {
    "squared": Regression(),
    "absolute": Regression(loss="absolute"),
    "huber": Regression(loss="huber", delta=0.7),
    "binary": Binary(),
    "multiclass": Multiclass(),
    "count": Count(),
}
N_OUTPUTS = {"multiclass": 3}
LABELS = {"binary": 2, "multiclass": 3, "count": 6}


@pytest.mark.parametrize("name", LOSSES)
def test_torch_loss_and_gradient_are_the_numpy_ones(name):
    rng = np.random.default_rng(0)
    task, k = LOSSES[name], N_OUTPUTS.get(name, 1)
    task.n_outputs_ = k
    raw = rng.normal(size=(2, 7, 3, k))
    values = rng.normal(size=(2, 7, 3))
    if name in LABELS:
        values = rng.integers(LABELS[name], size=(2, 7, 3)).astype(float)
    expected, expected_gradient = task.loss_and_grad(raw, values)
    tensor = torch.from_numpy(raw).requires_grad_()
    loss = task.torch_loss(tensor, torch.from_numpy(values))
    loss.sum().backward()
    np.testing.assert_allclose(loss.detach(), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(tensor.grad, expected_gradient, rtol=1e-11, atol=1e-13)


def by_definition(parts):
    """sum_i s_ti loss(y_ti, f_t(x_i)) / sum_i s_ti, label by label."""
    targets, raw = parts.targets, parts.raw()[0]
    values = targets.values.reshape(len(raw), -1)
    weights = targets.weights.reshape(len(raw), -1)
    losses = np.zeros(parts.tasks.n_tasks)
    total = targets.sum_by_task(targets.weights)
    for i in range(len(raw)):
        for t, (task, outputs) in enumerate(
            zip(parts.tasks.tasks, parts.tasks.slices, strict=True)
        ):
            if not weights[i, t]:
                continue
            owner = t if targets.task_index is None else targets.task_index[i]
            loss, _ = task.loss_and_grad(raw[i, outputs], values[i, t])
            losses[owner] += weights[i, t] * loss / total[owner]
    return losses


@pytest.mark.parametrize("order", [MIXED, ["count", "regression", "binary", "multiclass"]])
@pytest.mark.parametrize("heads", [(), (3,)])
def test_task_losses_by_their_definition(parts, mixed_data, order, heads):
    X, Y = mixed_data
    columns = [MIXED.index(task) for task in order]
    weight = np.random.default_rng(1).uniform(0.5, 2, size=Y.shape)
    # Regression beside regression, apart from it: blocks that are no slices of y.
    Y = np.column_stack([Y[:, columns], Y[:, :1] ** 2])
    weight = np.column_stack([weight, weight[:, :1]])
    made = parts(X, Y, [*order, "regression"], sample_weight=weight, head_hidden_layer_sizes=heads)
    np.testing.assert_allclose(made.losses().detach()[0], by_definition(made), rtol=1e-10)


def test_task_losses_of_long_labels_by_their_definition(parts, mixed_data):
    X, Y = mixed_data
    index = np.arange(len(X)) % 3
    made = parts(X, np.where(np.isnan(Y[:, 1]), np.nan, Y[:, 1]), task_column=index)
    np.testing.assert_allclose(made.losses().detach()[0], by_definition(made), rtol=1e-10)


def test_the_mean_over_batches_is_the_loss(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, MIXED)
    total = 0.0
    for rows in np.array_split(np.random.default_rng(0).permutation(len(X)), [17, 34, 59]):
        batch = made.rows.batch(torch.from_numpy(rows)[None])
        total = total + made.objective(made.module(batch.X), batch).detach() * len(rows) / len(X)
    np.testing.assert_allclose(total, made.losses().detach(), rtol=1e-12)


@pytest.mark.parametrize("form", ["wide", "heads", "long", "long heads"])
def test_gradient_of_the_whole_objective(parts, mixed_data, form):
    X, Y = mixed_data
    heads = (3,) if "heads" in form else ()
    if "long" in form:
        made = parts(
            X, Y[:, 2], "multiclass", task_column=np.arange(60) % 4, head_hidden_layer_sizes=heads
        )
    else:
        made = parts(X, Y, MIXED, head_hidden_layer_sizes=heads)
    omega = np.linspace(0.5, 2, made.tasks.n_tasks)
    _, _, gradients = made.step(omega)(made.rows.all())

    def objective():
        with torch.no_grad():
            return float(made.losses()[0] @ torch.from_numpy(omega))

    rng, h = np.random.default_rng(0), 1e-6
    for parameter, gradient in zip(made.module.parameters(), gradients, strict=True):
        direction = torch.from_numpy(rng.normal(size=parameter.shape))
        with torch.no_grad():
            parameter += h * direction
            above = objective()
            parameter -= 2 * h * direction
            below = objective()
            parameter += h * direction
        expected = (above - below) / (2 * h)
        np.testing.assert_allclose(
            float((gradient * direction).sum()), expected, rtol=1e-5, atol=1e-9
        )


def test_an_unobserved_label_has_exactly_no_gradient(parts, mixed_data):
    X, Y = mixed_data
    Y[:, 3] = np.nan
    Y[0, 3] = 1.0
    made = parts(X, Y, MIXED)
    batch = made.rows.batch(torch.arange(1, 60)[None])
    _, _, gradients = made.step()(batch)
    names = [name for name, _ in made.module.named_parameters()]
    head = gradients[names.index("heads.first.weight")]
    assert (head[0, made.tasks.slices[3]] == 0).all()
    assert (head[0, made.tasks.slices[0]] != 0).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_not_even_an_overflow_passes_where_no_label_is(parts, mixed_data, value):
    X, Y = mixed_data
    made = parts(X, Y, MIXED)
    batch = made.rows.all()
    observed = (batch.weights > 0)[0]
    raw = torch.from_numpy(made.raw()).requires_grad_()
    spoiled = raw.detach().clone()
    for t, outputs in enumerate(made.tasks.slices):
        spoiled[0, ~observed[:, t], outputs] = value
    spoiled.requires_grad_()
    losses = [made.objective(scores, batch) for scores in (raw, spoiled)]
    assert (losses[0] == losses[1]).all()
    gradients = [
        torch.autograd.grad(loss.sum(), s)[0]
        for loss, s in zip(losses, (raw, spoiled), strict=True)
    ]
    assert torch.equal(gradients[0], gradients[1])


def test_a_task_of_weight_zero_leaves_the_trunk_alone_but_learns(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, MIXED)
    names = [name for name, _ in made.module.named_parameters()]
    _, _, both = made.step([1, 0, 2, 1])(made.rows.all())
    without = np.where(np.arange(4) == 1, np.nan, Y)
    other = parts(X, without, MIXED)
    other.module.load_state_dict(made.module.state_dict())
    # Rows without labels count in the mean of a batch; their number here is the same.
    _, _, alone = other.step([1, 1, 2, 1])(other.rows.all())
    _, _, plain = made.step([1, 1, 2, 1])(made.rows.all())
    for name, g_both, g_alone, g_plain in zip(names, both, alone, plain, strict=True):
        if name.startswith("trunk"):
            np.testing.assert_allclose(g_both, g_alone, rtol=1e-9, atol=1e-15)
        else:
            np.testing.assert_allclose(g_both, g_plain, rtol=1e-9, atol=1e-15)
