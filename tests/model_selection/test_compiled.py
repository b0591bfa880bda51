"""The compiled handing out of rows against its definition."""

import numpy as np
import pytest

from skmtl.model_selection._compiled import NONE, lessen, stratify_rows, tournament


@pytest.mark.parametrize("n", [1, 2, 5, 8, 33])
def test_the_first_of_the_smallest_is_found_whatever_gets_less(n):
    rng = np.random.default_rng(n)
    counts = rng.integers(0, 6, n)
    while counts.any():
        tree, leaves = tournament(counts), slice(-(len(tournament(counts)) // 2), None)
        assert tree[1] == counts[counts > 0].min()
        s = rng.choice(np.flatnonzero(counts))
        counts[s] -= 1
        lessen(tree, s)
        np.testing.assert_array_equal(tree, tournament(counts))
        np.testing.assert_array_equal(tree[leaves][:n], np.where(counts, counts, NONE))


def hand_out(codes, task_of, room, n_strata, n_tasks):
    """Iterative stratification in plain Python."""
    n_parts = len(room)
    part, room = np.full(len(codes), -1), room.copy()
    need = np.full((n_strata, n_parts), 1 / n_parts)
    task_need = np.full((n_tasks, n_parts), 1 / n_parts)
    of = [np.flatnonzero((codes == s).any(axis=1)) for s in range(n_strata)]
    of_task = np.bincount(task_of, [len(rows) for rows in of])
    while (part < 0).any():
        left = [(part[rows] < 0).sum() for rows in of]
        rarest = min((n, s) for s, n in enumerate(left) if n)[1]
        for row in of[rarest]:
            if part[row] >= 0:
                continue
            mine = codes[row][codes[row] >= 0]
            merit = need[mine].sum(axis=0) + task_need[task_of[mine]].sum(axis=0)
            most = need[rarest][room > 0].max()
            is_best = (room > 0) & (need[rarest] > most - 0.999 / len(of[rarest]))
            f = np.flatnonzero(is_best)[merit[is_best].round(9).argmax()]
            part[row], room[f] = f, room[f] - 1
            for s in mine:
                need[s, f] -= 1 / len(of[s])
                task_need[task_of[s], f] -= 1 / of_task[task_of[s]]
    return part


@pytest.mark.parametrize("seed", range(4))
def test_the_rarest_hand_out_their_rows_first(seed):
    # Powers of two: sums of shares are exact, and ties are ties.
    rng = np.random.default_rng(seed)
    y = np.column_stack([rng.permutation(np.repeat([0.0, 1.0], [32 - n, n])) for n in (4, 8, 16)])
    codes, task_of = (2 * np.arange(3) + y).astype(np.int32), np.repeat(np.arange(3), 2)
    codes[rng.permutation(32)[:8]] = -1
    codes[(codes < 0).all(axis=1), 0] = 0
    counts = np.array([(codes == s).sum() for s in range(6)])
    members = np.concatenate([np.flatnonzero((codes == s).any(axis=1)) for s in range(6)])
    starts, part = np.concatenate([[0], np.cumsum(counts)]), np.full(32, -1, dtype=np.int32)
    unit, task_unit = 1 / counts, 1 / np.bincount(task_of, counts)
    stratify_rows(
        codes, task_of, members.astype(np.int32), starts, tournament(counts), np.full(4, 8),
        np.full((6, 4), 0.25), np.full((3, 4), 0.25), unit, task_unit, part,
    )  # fmt: skip
    np.testing.assert_array_equal(part, hand_out(codes, task_of, np.full(4, 8), 6, 3))
