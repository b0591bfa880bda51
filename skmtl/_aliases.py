"""Parts that are given by an alias, and names that were meant to be others."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Self

import numpy as np
from sklearn.utils._param_validation import (
    InvalidParameterError,
    StrOptions,
    make_constraint,
)

PLAIN = frozenset({str, int, float, bool, type(None), np.float64, np.int64})
"""Types of options that do not change, and tell by == whether they are the same."""

# Where the aliases of a parameter are, and what they stand for.
REGISTRIES = {
    "architecture": ("skmtl.neural.architectures", "ARCHITECTURES"),
    "balancing": ("skmtl.neural.balancing", "BALANCING"),
    "numeric_embedding": ("skmtl.neural.inputs", "EMBEDDINGS"),
    "penalty": ("skmtl.linear.penalties", "PENALTIES"),
    "tasks": ("skmtl.tasks", "TASK_TYPES"),
}


class Searchable:
    """Parameters that can be searched, also those of a part that is given by an alias."""

    # A subclass derives from scikit-learn's BaseEstimator, too.
    _kind: str

    @classmethod
    def _get_param_names(cls) -> list[str]:
        # Read off the signature once per class: that takes longer than a small part of a fit.
        if "_param_names" not in vars(cls):
            cls._param_names = super()._get_param_names()  # type: ignore[attr-defined, misc]
        return list(cls._param_names)  # type: ignore[attr-defined]

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator and of its parts.

        Where a part is given by an alias, ``architecture="mmoe"``, a parameter of the part,
        ``architecture__n_experts``, first makes it the object that the alias stands for.

        Parameters
        ----------
        **params : dict
            Parameters by name; ``<part>__<parameter>`` for those of a part.

        Returns
        -------
        self : object
            This estimator.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        known = self._get_param_names()
        plain: dict[str, Any] = {}
        nested: dict[str, Any] = {}
        for key, value in params.items():
            name, delimiter, _ = key.partition("__")
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: "
                    f"{known!r}.{did_you_mean(name, known)}"
                )
            (nested if delimiter else plain)[key] = value
        super().set_params(**plain)  # type: ignore[misc]
        for name in dict.fromkeys(key.partition("__")[0] for key in nested):
            self._make_part(name)
        return super().set_params(**nested)  # type: ignore[misc]

    def _make_part(self, name: str) -> None:
        """Put the object in the place of an alias."""
        value = getattr(self, name)
        if isinstance(value, str) and name in REGISTRIES:
            if value == "auto" and getattr(self, "_kind", None) == "regression":
                value = "regression"
            if value == "auto" and value not in (known := registry(name)):
                raise ValueError(
                    f"{name}='auto' is decided in fit, and has no parameters before. Say which: "
                    f"one of {sorted(known)}, in a search as a further parameter {name!r}."
                )
            setattr(self, name, from_alias(name, value))
        elif not hasattr(value, "set_params"):
            raise ValueError(
                f"{name}={value!r} has no parameters of its own that could be set; expected an "
                "object."
            )

    def _validate_params(self) -> None:
        cls, constraints = type(self), self._made_constraints()
        values = tuple([getattr(self, name) for name in constraints])
        kinds = tuple(map(type, values))
        is_plain = PLAIN.issuperset(kinds)
        # Fits that follow each other have the same options, often.
        if is_plain and vars(cls).get("_satisfied") == (kinds, values):
            return
        if _are_satisfied(constraints.values(), values):
            if is_plain:
                cls._satisfied = kinds, values  # type: ignore[attr-defined]
            return
        try:
            super()._validate_params()  # type: ignore[misc]
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{error}{self._meant(str(error))}") from None

    @classmethod
    def _made_constraints(cls) -> dict[str, list[Any]]:
        """What parameters have to satisfy, as scikit-learn makes it anew for every fit."""
        if "_constraints" not in vars(cls):
            names = cls._get_param_names()
            cls._constraints = {  # type: ignore[attr-defined]
                name: [make_constraint(constraint) for constraint in constraints]
                for name, constraints in cls._parameter_constraints.items()  # type: ignore[attr-defined]
                if constraints != "no_validation" and name in names
            }
        return cls._constraints  # type: ignore[attr-defined]

    def _meant(self, message: str) -> str:
        """What a misspelt option was meant to be."""
        found = re.match(r"The '(\w+)' parameter", message)
        value = getattr(self, found[1], None) if found else None
        if found is None:
            return ""
        if not isinstance(value, str):
            return how_to_take(found[1], value)
        constraints = getattr(self, "_parameter_constraints", {}).get(found[1], ())
        options = [c.options for c in constraints if isinstance(c, StrOptions)]
        return did_you_mean(value, set().union(*options))


def how_to_take(parameter: str, value: Any) -> str:
    """How a part is given that is made of torch, or is a class and no object."""
    if parameter not in REGISTRIES or not isinstance(value, type):
        return ""
    name = value.__name__
    if parameter == "architecture" and hasattr(value, "forward"):
        return f" A torch module goes in as Custom({name}), of skmtl.neural.architectures."
    return f" It is a class; expected an object, {name}()."


def _are_satisfied(constraints: Iterable[list[Any]], values: Iterable[Any]) -> bool:
    """Whether every value satisfies one of its constraints."""
    return all(
        any(constraint.is_satisfied_by(value) for constraint in of_value)
        for of_value, value in zip(constraints, values, strict=True)
    )


def from_alias(parameter: str, alias: str) -> Any:
    """A fresh object of an alias.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    parts = registry(parameter)
    if alias not in parts:
        home, _ = REGISTRIES[parameter]
        raise ValueError(
            f"{parameter}={alias!r}; expected one of {sorted(parts)} or an object of {home}."
            f"{did_you_mean(alias, parts)}"
        )
    return parts[alias]()


def registry(parameter: str) -> dict[str, Any]:
    """What the aliases of a parameter stand for."""
    home, name = REGISTRIES[parameter]
    # It is there already, as a rule: to ask for it again takes longer.
    parts: dict[str, Any] = getattr(sys.modules.get(home) or import_module(home), name)
    return parts


def did_you_mean(word: Any, known: Iterable[Any]) -> str:
    """A question to append to an error; empty if nothing is alike."""
    words = [name for name in known if isinstance(name, str)]
    if not isinstance(word, str):
        return ""
    # A name that was left short is meant, though much of it is missing.
    close = get_close_matches(word, words, n=1) or [
        name for name in words if len(word) > 2 and f"_{word}_" in f"_{name}_"
    ]
    return f" Did you mean {close[0]!r}?" if close else ""
