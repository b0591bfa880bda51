"""What was drawn for a problem, as (what, value), to be counted."""

from itertools import pairwise

ROWS = (1, 2, 4, 11, 21, 41)


def drawn(problem):
    """Everything that says of what kind a problem is; numbers by what they are, or in ranges."""
    found = [
        ("estimator", problem.name + (" around a network" if problem.around_network else "")),
        ("form", "long" if problem.is_long else "one column" if problem.is_1d else "wide"),
        ("rows", next(f"{a}-{b - 1}" for a, b in pairwise(ROWS) if problem.n_rows < b)),
        ("tasks", str(problem.n_tasks)),
        ("X as", problem.x_as),
        ("y as", problem.y_as),
        ("task_weight", _kind_of(problem.task_weight)),
        *(("with", tag) for tag in problem.tags),
        *(("declared", declared) for declared in sorted(set(problem.declared))),
    ]
    labels = {type(v).__name__ for v in problem.labels.ravel() if v is not None}
    found += [("labels", label) for label in sorted(labels)]
    return found + [(name, _kind_of(value)) for name, value in problem.options.items()]


def _kind_of(value):
    """A word, or what a value is one of."""
    if value is None or isinstance(value, str | bool):
        return str(value)
    if hasattr(value, "parts"):  # a penalty
        return " + ".join(sorted({type(a).__name__ for p in value.parts() for a in p.atoms()}))
    return getattr(value, "__name__", type(value).__name__)
