"""Attention to tokens and masks: by hand, against PyTorch's, and limit cases."""

import numpy as np
import pytest
import torch

from skmtl.neural.architectures import MTAN, HardSharing, TaskAttention
from skmtl.neural.architectures._task_attention import Attention
from skmtl.testing._module import (
    assert_gradients_are_right,
    assert_long_is_wide,
    assert_tasks_are_apart,
)
from tests.neural.checks import X, make, same_scores

MEMBERS = {
    "task_attention": TaskAttention(3, n_heads=2, embed_dim=4),
    "one token": TaskAttention(1, n_heads=2, embed_dim=4),
    "mtan": MTAN(),
}
members = pytest.mark.parametrize("name", MEMBERS)
every_head = pytest.mark.parametrize("heads", [(), (4,)])


@members
def test_gradients(name):
    small = {"n_features": 2, "hidden_layer_sizes": (3, 2)}
    x, index = X[:, :3, :2], torch.tensor([[0, 1, 1]])
    assert_gradients_are_right(make(MEMBERS[name], (1, 2), **small), x)
    assert_gradients_are_right(make(MEMBERS[name], (2, 2), **small), x, index)


@every_head
@pytest.mark.parametrize("name", ["task_attention", "mtan"])
def test_tasks_are_apart(name, heads):
    outputs = (1, 3, 2)
    assert_tasks_are_apart(make(MEMBERS[name], outputs, head_hidden_layer_sizes=heads), outputs, X)


@members
@every_head
def test_long_is_wide(name, heads):
    made = make(MEMBERS[name], (2, 2, 2), seeds=(0, 1), head_hidden_layer_sizes=heads)
    assert_long_is_wide(made, 3, X=torch.cat([X, X + 1]))


@members
def test_a_constant_task_changes_nothing(name):
    made = make(MEMBERS[name], (1, 0, 2))
    same_scores(made, make(MEMBERS[name], (1, 2), keys=(0, 2)))


def test_attention_is_pytorchs():
    ours = Attention(2, 6, 8, 4).double()
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for p in ours.parameters():
            p.copy_(torch.from_numpy(rng.normal(size=p.shape)))
    queries = torch.from_numpy(rng.normal(size=(2, 1, 3, 8)))
    tokens = torch.from_numpy(rng.normal(size=(2, 5, 9, 6)))
    found = ours(queries, tokens)
    for model in range(2):
        theirs = torch.nn.MultiheadAttention(8, 4, kdim=6, vdim=6, batch_first=True).double()
        parts = [ours.query, ours.key, ours.value]
        names = ["q_proj_weight", "k_proj_weight", "v_proj_weight"]
        with torch.no_grad():
            for part, name in zip(parts, names, strict=True):
                getattr(theirs, name).copy_(part.weight[model].T)
            theirs.in_proj_bias.copy_(torch.cat([part.bias[model, 0] for part in parts]))
            theirs.out_proj.weight.copy_(ours.out.weight[model].T)
            theirs.out_proj.bias.copy_(ours.out.bias[model, 0])
        read = tokens[model].transpose(0, 1)
        expected, _ = theirs(queries[model].expand(9, -1, -1), read, read)
        np.testing.assert_allclose(
            found[model].detach(), expected.transpose(0, 1).detach(), rtol=1e-10
        )


def test_attention_by_hand():
    """One attention head in two dimensions, two tokens, identity projections."""
    attention = Attention(1, 2, 2, 1).double()
    with torch.no_grad():
        for layer in (attention.query, attention.key, attention.value, attention.out):
            layer.weight[0] = torch.eye(2)
    query = torch.tensor([[[[np.sqrt(2) * np.log(3), 0.0]]]], dtype=torch.float64)
    tokens = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]], dtype=torch.float64)
    # Scores log 3 and 0, so weights 3/4 and 1/4.
    np.testing.assert_allclose(attention(query, tokens).detach(), [[[[0.75, 0.25]]]])


def test_one_token_gives_all_tasks_the_same():
    made = make(TaskAttention(1, embed_dim=8), (2, 2))
    found = made.attention(made.queries(), made.tokens(X)).detach()
    np.testing.assert_allclose(found[:, 0], found[:, 1], rtol=1e-12)


def test_mtan_by_hand():
    made = make(MTAN(), (2, 2))

    def affine(layer, x, *task):
        weight, bias = layer.weight.detach().numpy()[0], layer.bias.detach().numpy()[0]
        return x @ weight[task] + bias[task]

    def logistic(x):
        return 1 / (1 + np.exp(-x))

    expected = []
    for t in range(2):
        first = np.tanh(affine(made.trunk.layers[0], X[0].numpy()))
        second = np.tanh(affine(made.trunk.layers[1], first))
        z = logistic(affine(made.masks[0], first, t)) * first
        z = logistic(affine(made.masks[1], np.hstack([second, z]), t)) * second
        head = made.heads.layers[0]
        expected.append(z @ head.weight.detach()[0, t].numpy().T + head.bias.detach()[0, t].numpy())
    np.testing.assert_allclose(made(X)[0].detach(), np.hstack(expected), rtol=1e-12)


@every_head
def test_open_masks_are_hard_sharing(heads):
    made = make(MTAN(), head_hidden_layer_sizes=heads)
    with torch.no_grad():
        for mask in made.masks:
            mask.weight.zero_()
            mask.bias.fill_(1e3)
    same_scores(made, make(HardSharing(), head_hidden_layer_sizes=heads))


@pytest.mark.parametrize(
    ("architecture", "shape", "message"),
    [
        (TaskAttention(0), {}, "'n_tokens' parameter of TaskAttention .* Got 0"),
        (TaskAttention(n_heads=3, embed_dim=8), {}, "embed_dim=8 .* n_heads=3"),
        (TaskAttention(), {"hidden_layer_sizes": ()}, r"hidden_layer_sizes=\(\)"),
    ],
)
def test_parameters_are_checked(architecture, shape, message):
    with pytest.raises(ValueError, match=message):
        make(architecture, **shape)
