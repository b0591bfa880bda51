"""Files of fitted estimators: arrays by safetensors, and in its header a description in JSON."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._optional import import_optional
from skmtl._versions import versions
from skmtl.persistence._describe import Described
from skmtl.persistence._known import UnknownTypeError
from skmtl.persistence._restore import Restored

# Increased where a file that this version writes can no longer be read by earlier ones.
FORMAT = 1
KEY, DIGEST = "skmtl", "sha256"
SAFETENSORS = "safetensors.numpy", "A file of a fitted estimator", "persist"

Array = NDArray[Any]


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Save a fitted estimator as arrays and a plain description.

    The file holds no code: reading it executes nothing of its own, so that a file of a stranger
    can do no harm beyond wrong predictions. Predictions of what is read are equal to the bit, and
    so are the files of equal fits. It is a safetensors file, whose arrays other programs can read.

    Parameters
    ----------
    estimator : estimator
        An estimator of skmtl, fitted or not, or a ``Pipeline`` or search of scikit-learn around
        it. Parts may come from skmtl and from scikit-learn.
    path : str or path-like
        Where to write it. A file that is there is replaced at once when all is written; an
        error leaves it as it was.

    Raises
    ------
    ValueError
        If something in the estimator is neither plain data nor of these packages (a function
        or a module of your own, a booster): the message says where it is.
    ImportError
        If safetensors is not installed; ``pip install "skmtl[persist]"`` adds it.

    See Also
    --------
    load : Read it.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.persistence import load, save
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    >>> model = MultiTaskLinear(alpha=0.1).fit(X, Y)
    >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    >>> save(model, path)
    >>> bool((load(path).predict(X) == model.predict(X)).all())
    True
    """
    described = Described(estimator)
    text = json.dumps(
        {
            "format": FORMAT,
            "versions": {**versions(), "numpy": np.__version__},
            "root": described.root,
            "nodes": described.nodes,
        },
        allow_nan=False,
    )
    metadata = {KEY: text, DIGEST: _digest(text, described.arrays)}
    data = _in_order(import_optional(*SAFETENSORS).save(described.arrays, metadata=metadata))
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _in_order(data: bytes) -> bytes:
    """The same file with the metadata in order: safetensors has another one in every file."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[start:]


def load(path: str | os.PathLike[str]) -> Any:
    """Read an estimator that `save` has written.

    Classes are looked up in skmtl, scikit-learn and scipy by the names in the file; names of
    anything else are refused, and nothing that a file contains is executed.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator : estimator
        As it was saved.

    Raises
    ------
    ValueError
        If the file is cut off, changed, of a newer format, or names what is not known.
    ImportError
        If safetensors is not installed, or, for a network, PyTorch.

    Warns
    -----
    VersionWarning
        If another version of skmtl or scikit-learn has saved it.

    See Also
    --------
    save : Write it.

    Examples
    --------
    >>> import os, tempfile
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.persistence import load, save
    >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    >>> save(MultiTaskLinear(alpha=0.5), path)
    >>> load(path)
    MultiTaskLinear(alpha=0.5)
    """
    header, arrays = _read(Path(path))
    try:
        return Restored(header["root"], header["nodes"], arrays).thing
    except UnknownTypeError as error:
        raise UnknownTypeError(f"{path}: {error}") from error
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(f"{path}: its description does not fit skmtl ({error!r}).") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Description and arrays of a file, which is whole and of a format that is known."""
    data, safetensors = path.read_bytes(), import_optional(*SAFETENSORS)
    try:
        # Copies, as pickle gives them: those of safetensors are read-only.
        arrays = {name: array.copy() for name, array in safetensors.load(data).items()}
        size = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + size])["__metadata__"]
        text, digest = metadata[KEY], metadata[DIGEST]
        header = json.loads(text)
        number = header["format"]
    except Exception as error:
        raise ValueError(f"{path} is no model file of skmtl, or is damaged ({error!r}).") from error
    if number != FORMAT:
        raise ValueError(
            f"{path} has format {number}, written by skmtl {header['versions']['skmtl']}; skmtl "
            f"{versions()['skmtl']} reads format {FORMAT}. Install the version that wrote it."
        )
    if digest != _digest(text, arrays):
        raise ValueError(f"{path} is damaged: it does not hold what was saved.")
    return header, arrays


def _digest(text: str, arrays: dict[str, Array]) -> str:
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        found.update(name.encode())
        found.update(arrays[name].tobytes())
    return found.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
