"""Peak memory of a fit in long form beyond its data: with the rows, not with rows x tasks."""

import json
import sys
from dataclasses import replace

from benchmarks.common.processes import in_a_process, peak_mb
from benchmarks.common.report import Table
from benchmarks.common.timing import Failed
from benchmarks.neural.problems import SETTINGS, long, options

MODULE = "benchmarks.neural.memory"
ARCHITECTURES = ("hard_sharing", "task_embedding", "low_rank_heads")
N_ROWS, N_TASKS = (20_000, 80_000), (20, 2000)


def measure(architecture, n_rows, n_tasks, batch_size, seed):
    """MB of the data, and the peak of fit and predict beyond them and what was loaded before.

    A batch size of 0 is all rows in one batch.
    """
    import torch

    from skmtl import MultiTaskMLPRegressor

    torch.set_num_threads(1)
    setting = replace(SETTINGS["wide"], batch_size=batch_size or n_rows, epochs=2)
    model = MultiTaskMLPRegressor(
        **options(setting, seed), architecture=architecture, task_feature=0, n_threads=1
    )
    model.fit(*long(200, 20, seed))
    X, y = long(n_rows, n_tasks, seed)
    before = peak_mb()
    model.fit(X, y).predict(X)
    return {"data": (X.nbytes + y.nbytes) / 1e6, "beyond": peak_mb() - before}


def memory(settings):
    """Table of MB for two numbers of rows and of tasks, and of bytes for each row more."""
    few, many = N_ROWS
    columns = ["architecture", "batch", "tasks", *(f"{n} rows, MB" for n in N_ROWS)]
    title = "Memory beyond the data, fit and predict, long form, hidden (128, 128), 32 features"
    table = Table(title, [*columns, "bytes a row"], markdown=settings.markdown)
    for architecture in ARCHITECTURES:
        for batch_size in (200, 0):
            for n_tasks in N_TASKS:
                found = [_beyond(architecture, n, n_tasks, batch_size, settings) for n in N_ROWS]
                is_complete = not any(isinstance(mb, Failed) for mb in found)
                slope = 1e6 * (found[1] - found[0]) / (many - few) if is_complete else None
                table.row(
                    architecture, str(batch_size or "all rows"), str(n_tasks), *map(_text, found),
                    "-" if slope is None else f"{slope:.0f}",
                )  # fmt: skip


def _beyond(architecture, n_rows, n_tasks, batch_size, settings):
    arguments = architecture, n_rows, n_tasks, batch_size, settings.seed
    found = in_a_process(MODULE, *arguments, timeout=10 * settings.limit)
    return found if isinstance(found, Failed) else found["beyond"]


def _text(mb):
    return mb.why if isinstance(mb, Failed) else f"{mb:.0f}"


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:]))))
