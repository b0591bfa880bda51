"""An independent minimiser: accelerated proximal gradient with restarts, nothing clever.

It starts from the answer of the fit. What it finds cannot be lower than the fit's objective less
its duality gap, whatever its own accuracy.
"""

import numpy as np

SMOOTH = {"L2", "MeanDeviation", "Temporal", "Graph"}
STEPS = 150


def lower_value(objective, V, w0, b):
    """Lowest objective found; None where a prox is not at hand."""
    proxes = [_prox_of(objective, part) for part in objective.parts]
    if any(prox is None for prox in proxes):
        return None
    if objective.positive and any(
        type(atom).__name__ not in ("L1", "L21", "L1Inf", *SMOOTH)
        for part in objective.parts
        for atom in part
    ):
        return None
    return _descend(objective, proxes, (V, w0, b))


def _descend(objective, proxes, start):
    best = value = objective.value(*start)
    x, y, momentum = start, start, 1.0
    step = None
    for _ in range(STEPS):
        gradient = _smooth_gradient(objective, *y)
        if step is None:
            size = np.sqrt(sum((g**2).sum() for g in gradient))
            if not size > 0:
                break
            step = 1.0 / _curvature(objective, start, gradient, size)
        smooth = _smooth_value(objective, *y)
        for _ in range(40):
            new = _forward_backward(objective, proxes, y, gradient, step)
            moved = [n - o for n, o in zip(new, y, strict=True)]
            bound = smooth + sum((g * m).sum() for g, m in zip(gradient, moved, strict=True))
            bound += sum((m**2).sum() for m in moved) / (2 * step)
            if _smooth_value(objective, *new) <= bound + 1e-12 * abs(bound):
                break
            step /= 2
        found = objective.value(*new)
        if found > value:
            # Start again from where it was best, without momentum.
            if momentum == 1.0:
                break
            y, momentum = x, 1.0
            continue
        following = 0.5 * (1 + np.sqrt(1 + 4 * momentum**2))
        y = tuple(n + (momentum - 1) / following * (n - o) for n, o in zip(new, x, strict=True))
        x, value, momentum, step = new, found, following, 1.3 * step
        best = min(best, value)
    return best


def _curvature(objective, start, gradient, size):
    moved = tuple(s + 1e-6 * g / size for s, g in zip(start, gradient, strict=True))
    difference = [n - o for n, o in zip(_smooth_gradient(objective, *moved), gradient, strict=True)]
    return max(np.sqrt(sum((d**2).sum() for d in difference)) / 1e-6, 1e-12)


def _smooth_atoms(objective):
    for k, part in enumerate(objective.parts):
        for atom in part:
            if type(atom).__name__ in SMOOTH:
                yield k, atom, objective.alpha * atom.weight


def _smooth_value(objective, V, w0, b):
    from tests.fuzz.objective import value_of

    total = objective.loss(objective.coefficients(V, w0), b)
    for k, atom, weight in _smooth_atoms(objective):
        total += weight * value_of(atom, objective.seen(atom, None, V[k]))
    return total + objective.of_shared(w0)


def _smooth_gradient(objective, V, w0, b):
    gW, gb = objective.gradient(objective.coefficients(V, w0), b)
    gV = np.repeat(gW[None], len(V), axis=0)
    for k, atom, weight in _smooth_atoms(objective):
        seen = objective.seen(atom, None, V[k])
        gV[k] += objective.back(atom, weight * _slope(atom, seen))
    g0 = np.zeros_like(w0)
    if objective.center:
        g0 = objective.outputs(gW).sum(axis=1)
        g0 = g0 + objective.shared_alpha * objective.n_tasks * w0
    if not objective.fit_intercept:
        gb = np.zeros_like(gb)
    elif np.isinf(objective.intercept_alpha):
        gb = np.tile(objective.outputs(gb).mean(axis=0), objective.n_tasks)
    return gV, g0, gb


def _slope(atom, W):
    name = type(atom).__name__
    if name == "L2":
        return W
    if name == "MeanDeviation":
        return W - W.mean(axis=1, keepdims=True)
    n = W.shape[1]
    if name == "Graph":
        A = np.asarray(atom.adjacency, dtype=float)
        A = A - np.diag(np.diag(A))
    else:
        A = np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    return W @ (np.diag(A.sum(axis=1)) - A)


def _forward_backward(objective, proxes, y, gradient, step):
    V, w0, b = (p - step * g for p, g in zip(y, gradient, strict=True))
    V = np.array([prox(v, step) for prox, v in zip(proxes, V, strict=True)])
    return V, w0, b


def _prox_of(objective, part):
    """Prox of the atoms of a part that are not smooth; None if it is not at hand."""
    rough = [atom for atom in part if type(atom).__name__ not in SMOOTH]
    names = [type(atom).__name__ for atom in rough]
    rowwise = all(
        n == "L1" or (n == "L21" and a.axis == "features")
        for n, a in zip(names, rough, strict=True)
    )
    if len(rough) > 1 and not rowwise:
        return None
    rough.sort(key=lambda atom: type(atom).__name__ != "L1")

    def prox(V, step):
        if objective.positive:
            V = np.maximum(V, 0.0)
        for atom in rough:
            seen = objective.seen(atom, part, V)
            V = objective.back(atom, _prox(atom, seen, step * objective.alpha * atom.weight))
        return V

    return prox


def _prox(atom, W, t):
    name = type(atom).__name__
    if name == "L1":
        return np.sign(W) * np.maximum(np.abs(W) - t, 0.0)
    if name == "L21":
        norms = np.sqrt((W**2).sum(axis=int(atom.axis == "features"), keepdims=True))
        return W * np.maximum(1 - t / np.where(norms > 0, norms, 1.0), 0.0)
    if name == "TraceNorm":
        U, s, Vt = np.linalg.svd(W, full_matrices=False)
        return U * np.maximum(s - t, 0.0) @ Vt
    # The package's own: it only leads the way, the value decides.
    return atom.prox(W, t / atom.weight)
