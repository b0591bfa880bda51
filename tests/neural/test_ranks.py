"""Fits that the processes of torch's group share are those of one process."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from skmtl.neural import _environment, in_one_process
from skmtl.neural._ranks import Part, Ranks, ranks_now, together
from skmtl.neural.architectures._units import Dropout
from tests.conftest import ROOT
from tests.neural.ranks import CASES, SAID

SEEN = {
    "rows seen": [r"\[12, 12, \d+\]", r"\[13, 13, \d+\]"],
    "other rows": 2 * ["ValueError: .* but X, y or sample_weight differ between them"],
    "other parameters": 2 * ["ValueError: .* but parameters differ between them"],
    "other calls": 2 * ["RankError: .* but are in different ones"],
    "bad rows": [
        "RankError: .* the process of rank 1 has failed: its own error says why",
        "ValueError: .* inf",
    ],
    "bad rows of a blend": [
        "RankError: .* the process of rank 1 has failed: its own error says why",
        "ValueError: .* inf",
    ],
    "failing step": [
        "RankError: .* another process has failed: its own error says why",
        "ZeroDivisionError: by chance",
    ],
    "failing callback": [
        "RankError: .* the process of rank 1 has failed",
        "ZeroDivisionError: division by zero",
    ],
    "only one": 2 * ["done"],
    "in a thread": 2 * ["done"],
    "waiting": ["Waiting for 0 seconds: .*in_one_process", "nothing"],
}


def test_a_shared_fit_is_that_of_one_process(tmp_path):
    first, second = _found(tmp_path / "found")
    for case in CASES:
        for of_rank in (first, second):
            assert not isinstance(of_rank[case], str), of_rank[case]
        shared, *alone = np.atleast_2d(first[case])
        np.testing.assert_array_equal(second[case], shared, err_msg=case)
        for one in alone:
            np.testing.assert_allclose(shared, one, rtol=0, atol=1e-6, err_msg=case)
    for case in SAID:
        for of_rank, text in zip((first, second), SEEN[case], strict=True):
            assert re.match(text, of_rank[case], re.DOTALL), (case, of_rank[case])


def _found(path):
    """What two processes found in every case."""
    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        pytest.skip("this torch has no gloo, by which processes of CPUs talk")
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *command, "-m", "tests.neural.ranks", str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "Address already in use" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("processes cannot talk to each other here")
    assert done.returncode == 0, done.stderr
    files = [path.with_name(f"{path.name}.{rank}") for rank in (0, 1)]
    return [json.loads(file.read_text()) for file in files]


@pytest.mark.parametrize("n_ranks", [2, 3, 7])
@pytest.mark.parametrize("n_rows", [1, 5, 6, 14, 100])
def test_every_row_counts_alike(n_ranks, n_rows):
    total = np.zeros(n_rows)
    for rank in range(n_ranks):
        part = _ranks(rank, n_ranks).part(n_rows)
        assert part.stop - part.start >= min(n_rows, 2)
        total[part.start : part.stop] += part.share / (part.stop - part.start)
    np.testing.assert_allclose(total, 1 / n_rows, rtol=1e-14)


def _ranks(rank, n):
    ranks = object.__new__(Ranks)
    ranks.rank, ranks.n = rank, n
    return ranks


@pytest.mark.parametrize(
    ("shape", "rows"),
    [((2, 9, 3), -2), ((2, 4, 9, 3), -2), ((2, 9, 4, 3), 1), ((2, 27, 3), 1), ((2, 9, 9, 3), 1)],
)
def test_dropout_of_a_part_is_that_of_its_rows(shape, rows):
    whole, here = (Dropout(0.4, rows=rows) for _ in range(2))
    for layer in (whole, here):
        layer.seed([0, 1], torch.device("cpu"))
    here.part = Part(2, 5, 9, 1 / 3)
    axis = rows % len(shape)
    copies = torch.ones(shape).unflatten(axis, (-1, 9)).narrow(axis + 1, 2, 3)
    x = copies.flatten(axis, axis + 1)
    for _ in range(2):
        expected = whole(torch.ones(shape)).unflatten(axis, (-1, 9)).narrow(axis + 1, 2, 3)
        assert (here(x) == expected.flatten(axis, axis + 1)).all()
        assert here.place == whole.place
    if len(shape) == 3 and shape[1] == 9:
        units, slopes = np.ones((2, 3, 3)), np.full((2, 3, 3), 2.0)
        here.leave_out(units, slopes)
        expected = whole(torch.ones(shape, dtype=torch.float64))[:, 2:5].numpy()
        assert (units == expected).all()
        assert (slopes == 2 * expected).all()
        assert here.place == whole.place


def test_without_a_group_a_fit_is_nobody_elses():
    with together():
        assert ranks_now() is None


def test_where_there_is_a_group_a_fit_may_be_alone(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with in_one_process(), together():
        assert ranks_now() is None
    # A forked child would speak through the sockets of its parent.
    monkeypatch.setattr(_environment._threads, "is_forked", True)
    with together():
        assert ranks_now() is None
