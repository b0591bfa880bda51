"""A device that is not the CPU, on the CPU: what would fail on an accelerator fails here.

Tensors on it cannot be read by numpy, and meet no tensor of the CPU but a single number.
"""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

NAME = "elsewhere"

aten = torch.ops.aten
MOVES = {aten._to_copy.default, aten.copy_.default, aten.index.Tensor, aten.index_put_.default}
"""What may have tensors of two devices: copies, and indices."""


class Elsewhere(torch.Tensor):
    """A tensor on the device; ``here`` is where it is in truth."""

    @staticmethod
    def __new__(cls, here):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=f"{NAME}:0",
        )

    def __init__(self, here):
        self.here = here

    def __repr__(self):
        return f"Elsewhere({self.here!r})"

    def new_tensor(self, data):
        """As torch has it; its own does not ask this class."""
        return torch.tensor(data, dtype=self.dtype).to(self.device)

    def __getitem__(self, key):
        keys = key if isinstance(key, tuple) else (key,)
        made = [torch.tensor(k) if isinstance(k, list) else k for k in keys]
        return super().__getitem__(tuple(made))

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return computed(function, args, kwargs or {})


class Device(TorchDispatchMode):
    """Makes tensors on the device where they are asked for."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return computed(function, args, kwargs or {})


def register():
    """Let torch know the device; false where it is too old to learn of one."""
    try:
        from torch.utils.backend_registration import _setup_privateuseone_for_python_backend
    except ImportError:
        return False
    if not hasattr(torch, NAME):
        _setup_privateuseone_for_python_backend(NAME)
    return True


def computed(function, args, kwargs):
    """What a function of torch finds, on the device if that is asked for or tensors are there."""
    given, _ = tree_flatten((args, kwargs))
    there = [x for x in given if isinstance(x, Elsewhere)]
    here = [x for x in given if isinstance(x, torch.Tensor) and not isinstance(x, Elsewhere)]
    if there and function not in MOVES and any(x.dim() for x in here):
        raise RuntimeError(f"{function}: tensors are on different devices")
    device = kwargs.get("device")
    if device is None:
        device = there[0].device if there else torch.device("cpu")
    if function is aten.copy_.default:
        device = args[0].device
    kwargs = {**kwargs, "device": torch.device("cpu")} if "device" in kwargs else kwargs
    unwrapped = tree_map(lambda x: x.here if isinstance(x, Elsewhere) else x, (args, kwargs))
    found = function(*unwrapped[0], **unwrapped[1])
    if torch.device(device).type == "cpu":
        return found
    same = {id(x.here): x for x in there}

    def wrapped(x):
        if not isinstance(x, torch.Tensor) or isinstance(x, Elsewhere):
            return x
        # What is changed in place is the tensor that it was.
        return same[id(x)] if id(x) in same else Elsewhere(x)

    return tree_map(wrapped, found)
