"""Copies of what training has learnt beside the network, on any device."""

from __future__ import annotations

import copy

import torch

from skmtl.neural.balancing import Balancing


def on_device(thing, device):
    """A deep copy with its tensors on a device: a fit on an accelerator goes on without one.

    Reaches into lists, tuples, dicts, balancing methods, and the objects of this package that
    those keep.
    """
    if isinstance(thing, torch.Tensor):
        return thing.detach().clone().to(device).requires_grad_(thing.requires_grad)
    if isinstance(thing, torch.nn.Module):
        return copy.deepcopy(thing).to(device)
    if isinstance(thing, dict):
        return {key: on_device(value, device) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return type(thing)(on_device(value, device) for value in thing)
    if isinstance(thing, Balancing) or _is_ours(thing):
        other = copy.copy(thing)
        other.__dict__.update(on_device(vars(thing), device))
        return other
    return copy.deepcopy(thing)


def _is_ours(thing):
    is_object = not isinstance(thing, type) and hasattr(thing, "__dict__")
    return is_object and type(thing).__module__.startswith("skmtl.")
