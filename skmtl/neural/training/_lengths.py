"""How many rows a step has, and how many epochs a fit."""

from __future__ import annotations

from collections.abc import Callable

# Where the parameters are "auto", measured by benchmarks/accuracy.py. Least numbers of steps and
# of epochs, the latter for labels that are noise, and for those without; sizes of batches, and how
# many of them an epoch has in between.
N_STEPS, N_EPOCHS = 500, (15, 30)
BATCH_SIZE, N_BATCHES = (64, 256), 32


def rows_of_a_step(batch_size: int | str, n_rows: int) -> int:
    """Rows per step, out of so many."""
    if not isinstance(batch_size, str):
        return min(batch_size, n_rows)
    smallest, largest = BATCH_SIZE
    size = min(max(smallest, n_rows // N_BATCHES), largest)
    # As large as each other, or else the last one may be a few rows.
    return -(-n_rows // -(-n_rows // size))


def most_epochs(max_iter: int | str, n_steps: int, noise: Callable[[], float]) -> int:
    """Epochs of so many steps, at most; ``noise`` finds the share of noise in the labels."""
    if not isinstance(max_iter, str):
        return int(max_iter)
    fewest, most = N_EPOCHS
    if most * n_steps <= N_STEPS:
        return -(-N_STEPS // n_steps)
    return max(-(-N_STEPS // n_steps), round(most - (most - fewest) * noise()))
