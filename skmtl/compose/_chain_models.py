"""Models of all tasks, each of which sees what is predicted of others: a chain, or two levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.utils.parallel import delayed

from skmtl.compose._chain_link import ChainLink, Told, augment
from skmtl.compose._task_labels import TaskLabels


@dataclass(frozen=True, eq=False)
class Chain:
    """A link per task, in the order of the tasks in y; ``order`` is that of the chain."""

    links: list
    order: np.ndarray

    @classmethod
    def fit(cls, X: Any, problems: list[TaskLabels], templates: Any, order: Any, cv: Any) -> Self:
        """Every task learns from X and from what the links before it say."""
        links: list[Any] = [None] * len(problems)
        told: list[Told] = []
        for t in order[:-1]:
            links[t], said = _fit_and_tell(augment(X, told), problems[t], templates[t], cv)
            told.append(said)
        last = order[-1]
        links[last] = ChainLink.fit(problems[last], augment(X, told), templates[last])
        return cls(links, order)

    @property
    def levels(self) -> list[Any]:
        """The links, as the only level."""
        return [self.links]

    def expected(self, X: Any) -> Any:
        """Expected values or probabilities of each task, for every row."""
        return self._answers(X, decide=False)

    def decisions(self, X: Any) -> Any:
        """What the estimator of each task predicts, for every row."""
        return self._answers(X, decide=True)

    def _answers(self, X: Any, *, decide: Any) -> Any:
        answers: list[Any] = [None] * len(self.links)
        told: list[Told] = []
        for t in self.order:
            seen, link = augment(X, told), self.links[t]
            # Nobody listens to the last.
            expected = None if decide and t == self.order[-1] else link.single.expected(seen)
            answers[t] = link.single.decide(seen, expected) if decide else expected
            if expected is not None:
                told.append(link.told(expected))
        return answers


@dataclass(frozen=True, eq=False)
class Stack:
    """Every task on its own, then every task again with what the first level predicts of all."""

    first: list
    second: list

    @classmethod
    def fit(
        cls, X: Any, problems: list[TaskLabels], templates: Any, cv: Any, parallel: Any
    ) -> Self:
        """Fit one level after the other, the tasks of a level by ``parallel``."""
        pairs = list(zip(problems, templates, strict=True))
        first = parallel(delayed(_fit_and_tell)(X, *pair, cv) for pair in pairs)
        wide = augment(X, [told for _, told in first])
        second = parallel(
            delayed(ChainLink.fit)(problem, wide, template) for problem, template in pairs
        )
        return cls([link for link, _ in first], second)

    @property
    def levels(self) -> list[Any]:
        """The links of both levels."""
        return [self.first, self.second]

    def expected(self, X: Any) -> list[Any]:
        """Expected values or probabilities of each task, for every row."""
        wide = self._with_first_level(X)
        return [link.single.expected(wide) for link in self.second]

    def decisions(self, X: Any) -> list[Any]:
        """What the estimator of each task predicts, for every row."""
        wide = self._with_first_level(X)
        return [link.single.decide(wide) for link in self.second]

    def _with_first_level(self, X: Any) -> Any:
        return augment(X, [link.told(link.single.expected(X)) for link in self.first])


def _fit_and_tell(X: Any, problem: TaskLabels, template: Any, cv: Any) -> Any:
    """A link, and what it says to others in training."""
    link = ChainLink.fit(problem, X, template)
    return link, link.told_in_training(problem, X, template, cv)
