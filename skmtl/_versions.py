"""Which version an estimator was saved by."""

from __future__ import annotations

from typing import Any

import sklearn

from skmtl._warnings import warn

KEY = "_saved_by"


class VersionWarning(UserWarning):
    """An estimator was saved by another version of skmtl or scikit-learn than reads it."""


def versions() -> dict[str, str]:
    """Versions of the packages whose code a saved estimator depends on."""
    import skmtl

    return {"skmtl": skmtl.__version__, "scikit-learn": sklearn.__version__}


class Versioned:
    """Mixin: what is pickled says by which versions, and warns where others read it."""

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), KEY: versions()}  # type: ignore[dict-item]

    def __setstate__(self, state: dict[str, Any]) -> None:
        saved, now = state.get(KEY), versions()
        super().__setstate__({k: v for k, v in state.items() if k != KEY})  # type: ignore[misc]
        if saved is not None and saved != now:
            changed = [
                f"{name} {saved.get(name)}, and is read by {now[name]}"
                for name in now
                if saved.get(name) != now[name]
            ]
            warn(
                f"{type(self).__name__} was saved by {'; by '.join(changed)}. Predictions may "
                "differ or fail: fit it again, or load it with the versions that saved it.",
                VersionWarning,
            )
