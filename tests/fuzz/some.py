"""Options that are given or left as they are."""


def some(rng, share, **options):
    """Each option with a certain share."""
    return {name: draw() for name, draw in options.items() if rng.random() < share}
