"""Hierarchies of tasks: by hand, what is shared, gradients that stop, graphs that are wrong."""

import numpy as np
import pytest
import torch

from skmtl.neural.architectures import Cascade, HardSharing
from skmtl.testing._module import (
    assert_gradients_are_right,
    assert_long_is_wide,
    assert_tasks_are_apart,
    gradients_by_task,
)
from tests.neural.checks import X, make, same_scores

DIAMOND = {3: [1, 2], 1: [0], 2: [0]}
MEMBERS = {
    "diamond": Cascade(DIAMOND),
    "detached": Cascade(DIAMOND, detach=True),
    "layers": Cascade(DIAMOND, layers={0: 1, 2: 0}),
    "backwards": Cascade({0: [1, 3], 1: [3]}, layers=[1, 2, 2, 1]),
    "lone layer": Cascade({0: [1]}, layers=[2, 1, 1, 1], detach=True),
}
members = pytest.mark.parametrize("name", MEMBERS)
every_head = pytest.mark.parametrize("heads", [(), (4,)])


@pytest.mark.parametrize("name", [name for name in MEMBERS if not MEMBERS[name].detach])
def test_gradients(name):
    small = {"n_features": 2, "hidden_layer_sizes": (3, 2)}
    x, index = X[:, :4, :2], torch.tensor([[0, 3, 1, 2]])
    assert_gradients_are_right(make(MEMBERS[name], (1, 2, 1, 2), **small), x)
    assert_gradients_are_right(make(MEMBERS[name], (2, 2, 2, 2), **small), x, index)


@members
@every_head
def test_tasks_are_apart(name, heads):
    outputs = (1, 3, 2, 1)
    assert_tasks_are_apart(make(MEMBERS[name], outputs, head_hidden_layer_sizes=heads), outputs, X)


@members
@every_head
def test_long_is_wide(name, heads):
    made = make(MEMBERS[name], (2, 2, 2, 2), seeds=(0, 1), head_hidden_layer_sizes=heads)
    assert_long_is_wide(made, 4, X=torch.cat([X, X + 1]))


@every_head
@pytest.mark.parametrize("layer", [1, 2])
def test_without_edges_it_is_hard_sharing(heads, layer):
    shape = {"head_hidden_layer_sizes": heads}
    made = make(Cascade(layers=[layer] * 3), **shape)
    same_scores(made, make(HardSharing(), hidden_layer_sizes=(7, 6)[:layer], **shape))


def test_by_hand():
    made = make(Cascade({1: [0]}, layers={0: 1}), (2, 1))
    state = {name: p.detach()[0].numpy() for name, p in made.named_parameters()}

    def affine(x, name):
        weight = state[f"{name}.weight"]
        return x @ (weight.T if "heads" in name else weight) + state[f"{name}.bias"][0]

    first = np.tanh(affine(X[0].numpy(), "trunk.layers.0"))
    second = np.tanh(affine(first, "trunk.layers.1"))
    parent = affine(first, "heads.0.first")
    child = affine(np.hstack([second, parent]), "heads.1.first")
    np.testing.assert_allclose(made(X)[0].detach(), np.hstack([parent, child]), rtol=1e-12)


def test_an_adjacency_matrix_says_the_same():
    matrix = np.zeros((4, 4), dtype=int)
    for task, read in DIAMOND.items():
        matrix[task, read] = 1
    outputs = (1, 2, 1, 1)
    same_scores(make(Cascade(matrix), outputs), make(Cascade(DIAMOND), outputs))


def test_a_constant_parent_says_nothing():
    made = make(Cascade({2: [1]}), (1, 0, 2))
    without = make(Cascade(), (1, 2), keys=(0, 2))
    same_scores(made, without)


@pytest.mark.parametrize("detach", [False, True])
def test_detached_parents_learn_from_their_own_losses_alone(detach):
    outputs = (1, 1, 1)
    made = make(Cascade({1: [0], 2: [1]}, layers=[1, 2, 2], detach=detach), outputs)
    by_task = gradients_by_task(made, outputs, X)
    for name in ("heads.0.first.weight", "heads.0.first.bias"):
        moves = [bool((gradients[name] != 0).any()) for gradients in by_task]
        assert moves == [True, not detach, not detach]
    assert ("heads.0.first.weight" in shared_names(made)) is not detach


def shared_names(made):
    shared = {id(p) for p in made.shared_parameters()}
    return {name for name, p in made.named_parameters() if id(p) in shared}


def test_a_layer_that_one_task_reads_is_its_own():
    made = make(Cascade(layers=[1, 2]), (1, 1))
    assert shared_names(made) == {"trunk.layers.0.weight", "trunk.layers.0.bias"}
    assert made.last_shared_parameters() == list(made.trunk.layers[0].parameters())
    assert shared_names(make(Cascade(), (1,))) >= {"trunk.layers.1.weight"}


def test_layers_that_nobody_reads_are_left_out():
    assert len(make(Cascade(layers=[1, 0]), (1, 1)).trunk.layers) == 1


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (Cascade({0: [1], 1: [2], 2: [0]}), r"in a circle, \d -> \d -> \d -> \d\."),
        (Cascade({1: [1]}), "in a circle, 1 -> 1"),
        (Cascade({1: [3]}), "names task 3; tasks are numbered 0 to 2"),
        (Cascade({"clicks": [0]}), "names task 'clicks'; .* in the order of task_names_in_"),
        (Cascade([[0, 1], [0, 0]]), r"shape \(2, 2\); expected .* \(3, 3\)"),
        (Cascade([[], [0], [1]]), r"rows of different lengths; .* \{task: \[parents\]\}"),
        (Cascade(layers={0: 3}), "task 0 reads layer 3; the trunk has layers 1 to 2"),
        (Cascade(layers={0: -1}), "task 0 reads layer -1"),
        (Cascade(layers=[1, 1]), "2 entries for 3 tasks"),
        (Cascade(detach="no"), "'detach' parameter of Cascade"),
    ],
)
def test_graphs_are_checked(architecture, message):
    with pytest.raises(ValueError, match=message):
        make(architecture)
