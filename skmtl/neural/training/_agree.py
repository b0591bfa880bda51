"""Whether all processes that share a fit are in the same one."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from skmtl.neural._data import Rows
from skmtl.neural._ranks import Ranks
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.training._model_rows import ModelRows

# Parameters that may differ between processes; of the seed the number is shared.
FREE = {"device", "n_threads", "random_state", "verbose", "warm_start"}


def agree(
    ranks: Ranks,
    fits: Sequence[Any],
    module: MultiTaskModule,
    members: Sequence[Any],
    rows: Rows | ModelRows,
    max_iter: int | None,
) -> None:
    """Raise if data, parameters or folds are others elsewhere; let networks begin alike."""
    settings = [_settings(one.estimator) for one in _different(fits, "estimator")]
    data = [one.fingerprint for one in _different(fits, "targets")]
    shapes = [(name, tuple(p.shape)) for name, p in module.named_parameters()]
    folds = zlib.crc32(repr((list(members), rows.n_rows)).encode())
    for index in rows.index if isinstance(rows, ModelRows) else ():
        folds = zlib.crc32(np.ascontiguousarray(index).data, folds)
    ranks.check_same(
        **{
            "X, y or sample_weight": zlib.crc32(repr(data).encode()),
            "parameters": zlib.crc32(repr((settings, shapes, max_iter)).encode()),
            "folds": folds,
        }
    )
    ranks.align(module)


def _different(fits: Sequence[Any], name: str) -> list[Any]:
    """The fits without those that have the same object, by the name of the attribute."""
    return list({id(getattr(one, name)): one for one in reversed(fits)}.values())[::-1]


def _settings(estimator: Any) -> str:
    """The parameters as text, without addresses in memory."""
    given = estimator.get_params(deep=False).items()
    return re.sub(r" at 0x\w+", "", repr([pair for pair in given if pair[0] not in FREE]))
