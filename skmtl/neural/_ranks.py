r"""The processes of torch's group, which share a fit: its *ranks*.

Each rank has all rows, draws the same batches, and finds losses and gradients of its share of
every batch; weighted by shares :math:`b_r / B` of the rows, they add up to those of the batch:

.. math:: \nabla L = \sum_r \frac{b_r}{B} \nabla L_r

for labels are weighted once, by how many there are in all rows. So every rank takes the step that
one process would take.

What ranks say to each other has one of two forms. During the steps of an epoch they add up
tensors, and beside them whether one has failed. Between steps they exchange a few whole numbers,
which one that has failed can always join: nobody waits for it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from skmtl._warnings import warn
from skmtl.neural._environment import is_forked
from skmtl.neural._one_process import ALONE

Array = NDArray[Any]

PATIENCE = 30.0
"""Seconds after which a rank says for what it waits."""

HOW_ALONE = "To fit in one process alone: with skmtl.neural.in_one_process(): ..."


class Say(IntEnum):
    """What an exchange is about."""

    FAILED = 1
    END = 2
    SEED = 3
    SAME = 4
    NUMBERS = 5
    STOP = 6


class RankError(RuntimeError):
    """Another rank has failed, or does something else."""


@dataclass(frozen=True)
class Part:
    """The rows of a batch of ``n_rows`` that a rank looks at, and what they count.

    All of them where they are few, with the n-th part of their weight.
    """

    start: int
    stop: int
    n_rows: int
    share: float

    @property
    def is_whole(self) -> bool:
        """Whether these are all rows."""
        return self.stop - self.start == self.n_rows


class Ranks:
    """The processes that share a fit; ``rank`` is the place of this one among ``n``."""

    def __init__(self) -> None:
        self.n, self.rank = dist.get_world_size(), dist.get_rank()
        # As in "cpu:gloo,cuda:nccl".
        self.kinds = {pair.split(":")[0] for pair in dist.get_backend_config().split(",")}
        kind = "cpu" if "cpu" in self.kinds else min(self.kinds)
        self.device = torch.device(kind)
        self.is_interrupted = self.is_known = self.is_stepping = False

    def part(self, n_rows: int) -> Part:
        """The rows of this rank; two at least, or a layer might take one row for a prediction."""
        if n_rows < 2 * self.n:
            return Part(0, n_rows, n_rows, 1.0 / self.n)
        start, stop = (n_rows * rank // self.n for rank in (self.rank, self.rank + 1))
        return Part(start, stop, n_rows, (stop - start) / n_rows)

    @torch.no_grad()
    def total(self, tensors: Sequence[Tensor], error: BaseException | None = None) -> list[Tensor]:
        """Sums over the ranks, during a step; an error of one is an error of all.

        Raises
        ------
        RankError
            If another rank has failed.
        KeyboardInterrupt
            If one was interrupted: all are, at the same step.
        """
        self.is_stepping = True
        flags = tensors[0].new_tensor([error is not None, self.is_interrupted])
        flat = self._sum(torch.cat([*(tensor.reshape(-1) for tensor in tensors), flags]))
        n_failed, n_interrupted = flat[-2:].tolist()
        if n_failed:
            self.is_known = True
            raise error or _failed()
        self._obey(n_interrupted)
        sizes = [tensor.numel() for tensor in tensors]
        parts = flat[:-2].split(sizes)
        return [part.view(like.shape) for part, like in zip(parts, tensors, strict=True)]

    def exchange(self, what: Say, *numbers: int) -> Array:
        """What all ranks say, one line for each; an error of one is an error of all."""
        self.is_stepping = False
        line = [what, self.is_interrupted, *numbers, *[0] * (3 - len(numbers))]
        table = torch.zeros(self.n, len(line), dtype=torch.int64)
        table[self.rank] = torch.tensor(line)
        found = self._sum(table, patience=PATIENCE).numpy()
        if what is Say.FAILED:
            return found
        if (found[:, 0] == Say.FAILED).any():
            self.is_known = True
            raise _failed(np.flatnonzero(found[:, 0] == Say.FAILED).tolist())
        if (found[:, 0] != what).any():
            self.is_known = True
            raise RankError(
                "The processes of torch's group share every fit of a network, but are in different "
                f"ones. All have to make the same calls with the same arguments. {HOW_ALONE}"
            )
        self._obey(found[:, 1].sum())
        return found[:, 2:]

    def seed(self, seed: int) -> int:
        """That of the first rank."""
        return int(self.exchange(Say.SEED, seed)[0, 0])

    def any(self, compute: Callable[[], bool]) -> bool:
        """Whether something is true in one of the ranks."""
        try:
            found = compute()
        except KeyboardInterrupt:
            found, self.is_interrupted = False, True
        return bool(self.exchange(Say.STOP, found)[:, 0].any())

    def of_first(self, numbers: Array) -> Array:
        """Those of the first rank, for others may have rounded differently."""
        self.exchange(Say.NUMBERS, numbers.size)
        found = torch.from_numpy(np.where(self.rank == 0, numbers, 0.0))
        return self._sum(found).numpy()

    def check_same(self, **digests: int) -> None:
        """Raise if the ranks fit something else; digests are of what has to be the same."""
        found = self.exchange(Say.SAME, *digests.values())
        differ = (found != found[0]).any(axis=0)[: len(digests)]
        if differ.any():
            what = " and ".join(np.array(list(digests))[differ])
            raise ValueError(
                f"The processes of torch's group share every fit of a network, but {what} differ "
                "between them. Call fit with the same arguments everywhere: each process takes "
                f"its share of every batch by itself. {HOW_ALONE}"
            )

    @torch.no_grad()
    def align(self, module: nn.Module) -> None:
        """Give all ranks the networks of the first, to the bit."""
        tensors = list(module.state_dict().values())
        parts = [tensor.reshape(-1).view(torch.uint8) for tensor in tensors]
        self.exchange(Say.NUMBERS, sum(map(len, parts)))
        moved = self._moved(torch.cat(parts))
        dist.broadcast(moved, 0)
        found = moved.to(parts[0].device).split([len(part) for part in parts])
        for tensor, part in zip(tensors, found, strict=True):
            tensor.copy_(part.view(tensor.dtype).view(tensor.shape))

    def tell(self) -> None:
        """Let the others know that this rank has failed, if they can listen and do not know."""
        if not (self.is_known or self.is_stepping):
            self.is_known = True
            self.exchange(Say.FAILED)

    def _obey(self, n_interrupted: float) -> None:
        if n_interrupted:
            self.is_interrupted = False
            raise KeyboardInterrupt

    def _moved(self, tensor: Tensor) -> Tensor:
        """The tensor, or a copy of it, where the group can reach it."""
        is_reached = tensor.device.type in self.kinds
        return (tensor if is_reached else tensor.to(self.device)).contiguous()

    def _sum(self, tensor: Tensor, patience: float | None = None) -> Tensor:
        """The sum over the ranks, perhaps in the place of the tensor."""
        moved = self._moved(tensor.detach())
        work = dist.all_reduce(moved, async_op=True)
        if patience is not None:
            _wait(work, patience)
        work.wait()
        return moved.to(tensor.device)


def _wait(work: Any, patience: float) -> None:
    """Wait so that an interrupt is heard, and say for what it is if it takes long."""
    pause, until = 1e-4, time.monotonic() + patience
    while not work.is_completed():
        if time.monotonic() > until:
            until = np.inf
            warn(
                f"Waiting for {patience:.0f} seconds: the processes of torch's group share every "
                f"fit of a network, and not all of them have come to this one. {HOW_ALONE}"
            )
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def _failed(ranks: Sequence[int] = ()) -> RankError:
    who = f"the process of rank {', '.join(map(str, ranks))}" if len(ranks) else "another process"
    return RankError(
        f"The fit is shared by the processes of torch's group, and {who} has failed: its own "
        "error says why."
    )


_now: Ranks | None = None


def ranks_now() -> Ranks | None:
    """Who shares the fit that runs; None where this process, or this thread, is alone."""
    return _now if _is_main_thread() else None


@contextmanager
def together() -> Iterator[None]:
    """Let a fit be shared by the processes of torch's group, where there is one.

    A fit within another, or in a thread of its own, asks nobody.
    """
    global _now
    if _now is not None or not _has_group():
        yield
        return
    ranks = _now = Ranks()
    try:
        with _interrupts_noted(ranks):
            yield
            ranks.exchange(Say.END)
    except BaseException:
        ranks.tell()
        raise
    finally:
        _now = None


def _has_group() -> bool:
    if ALONE.get() or not (dist.is_available() and dist.is_initialized()):
        return False
    return dist.get_world_size() > 1 and _is_main_thread() and not is_forked()


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _interrupts_noted(ranks: Ranks) -> Iterator[None]:
    """Ctrl-C ends the fit of all ranks at the same step; a second one ends this process."""

    def note(*_: Any) -> None:
        if ranks.is_interrupted:
            raise KeyboardInterrupt
        ranks.is_interrupted = True

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
