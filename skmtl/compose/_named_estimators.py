"""Parameters of an estimator that is given others in a list, each with a name."""

from __future__ import annotations

from typing import Any, Self


class NamedEstimators:
    """Mixin: ``estimators`` is a list of (name, estimator) as scikit-learn has it, or None.

    An estimator can be replaced by its name, and its parameters are set as
    ``<name>__<parameter>``.
    """

    # A subclass derives from scikit-learn's BaseEstimator, too.
    estimators: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters of this estimator, and with ``deep`` the estimators by name and theirs.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the parameters of the estimators, too.

        Returns
        -------
        params : dict
            Parameters by name.
        """
        found: dict[str, Any] = super().get_params(deep=deep)  # type: ignore[misc]
        for name, estimator in self._named().items() if deep else ():
            found[name] = estimator
            inner = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
            found.update({f"{name}__{key}": value for key, value in inner.items()})
        return found

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator and of those in it.

        Parameters
        ----------
        **params : dict
            Parameters by name: ``estimators`` for all estimators, ``<name>`` for one of them,
            ``<name>__<parameter>`` for a parameter of it.

        Returns
        -------
        self : object
            This estimator.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        if "estimators" in params:
            self.estimators = params.pop("estimators")
        given = self._named()
        replaced = {name: params.pop(name) for name in given if name in params}
        if replaced:
            self.estimators = [(name, replaced.get(name, old)) for name, old in given.items()]
        for name, estimator in self._named().items():
            prefix = f"{name}__"
            own = [key for key in params if key.startswith(prefix)]
            if own:
                estimator.set_params(**{key[len(prefix) :]: params.pop(key) for key in own})
        return super().set_params(**params)  # type: ignore[misc]

    def _named(self) -> dict[str, Any]:
        """The estimators by name; none where the list is not as it should be, which `fit` says."""
        try:
            return dict(self.estimators or ())
        except (TypeError, ValueError):
            return {}

    def _check_names(self) -> None:
        """Raise unless ``estimators`` is a list of estimators with names of their own."""
        pairs = list(self.estimators)
        if not pairs or not all(isinstance(p, tuple | list) and len(p) == 2 for p in pairs):
            raise ValueError(
                f"estimators={self.estimators!r}; expected a list of (name, estimator) tuples."
            )
        names = [name for name, _ in pairs]
        taken = set(super().get_params(deep=False))  # type: ignore[misc]
        for name, estimator in pairs:
            if not isinstance(name, str) or "__" in name or name in taken or names.count(name) > 1:
                raise ValueError(
                    f"estimators has the name {name!r}; expected strings without '__', all "
                    f"different and none of {sorted(taken)}."
                )
            if isinstance(estimator, type) or not hasattr(estimator, "fit"):
                raise ValueError(
                    f"estimators: {name!r} is {estimator!r}; expected an object with fit and "
                    "predict."
                )
