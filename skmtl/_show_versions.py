"""What a report of a fault should say about the machine."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version

_NAME = re.compile(r"^[A-Za-z0-9._-]+")


def show_versions() -> None:
    """Print the versions of Python, the system, skmtl and the packages it works with.

    Put it into a report of a fault.

    Notes
    -----
    Packages that are not installed are left out. Nothing is imported but torch, if it is there, to
    say whether it sees a GPU.

    Examples
    --------
    >>> import skmtl
    >>> skmtl.show_versions()
    python: 3...
    system: ...
    skmtl: ...
    numpy: 2...
    """
    print(f"python: {sys.version.split()[0]}\nsystem: {platform.platform()}")
    for name in ["skmtl", *_packages()]:
        try:
            print(f"{name}: {version(name)}")
        except PackageNotFoundError:
            continue
    print(f"cuda: {_cuda()}")


def _packages() -> list[str]:
    """Names of what skmtl needs, and may use, in the order of its metadata."""
    found = (_NAME.match(requirement) for requirement in requires("skmtl") or [])
    # A requirement of an extra may be an extra of skmtl itself.
    names = [match.group() for match in found if match is not None]
    return [name for name in dict.fromkeys(names) if name != "skmtl"]


def _cuda() -> str:
    try:
        import torch
    except ImportError:
        return "no torch"
    if not torch.cuda.is_available():
        return "not available"
    return f"{torch.version.cuda}, {torch.cuda.get_device_name()}"
