"""A part has one name: class, file and alias say the same, and a line registers it."""

import importlib
import inspect

import pytest

from skmtl._aliases import REGISTRIES
from tests.conftest import NAMESPACES

# Kind of part: the room where its classes are public, and the registry.
HOMES = {
    kind: (home.removesuffix("._resolve"), home, name) for kind, (home, name) in REGISTRIES.items()
}


def registry(kind):
    _, home, name = HOMES[kind]
    return getattr(importlib.import_module(home), name)


def parts(kind):
    """Classes by alias; combinations of penalties have none, and are functions."""
    room = importlib.import_module(HOMES[kind][0])
    public = [getattr(room, name) for name in room.__all__]
    found = {part.alias: part for part in public if "alias" in getattr(part, "__dict__", ())}
    return found | {alias: part for alias, part in registry(kind).items() if inspect.isclass(part)}


PARTS = [
    pytest.param(kind, alias, part, id=f"{kind}-{alias}")
    for kind in HOMES
    for alias, part in parts(kind).items()
]


@pytest.mark.parametrize(("kind", "alias", "part"), PARTS)
def test_alias_class_and_file_have_one_name(kind, alias, part):
    assert alias.replace("_", "") == part.__name__.lower()
    assert alias == part.alias
    assert part.__module__ == f"{HOMES[kind][0]}._{alias}"


@pytest.mark.parametrize(("kind", "alias", "part"), PARTS)
def test_public_and_documented(kind, alias, part):
    assert HOMES[kind][0] in NAMESPACES
    assert part.__name__ in importlib.import_module(HOMES[kind][0]).__all__


@pytest.mark.parametrize(("kind", "alias", "part"), PARTS)
def test_registered_unless_it_needs_an_argument(kind, alias, part):
    needed = [
        parameter.name
        for parameter in inspect.signature(part).parameters.values()
        if parameter.default is inspect.Parameter.empty
    ]
    assert (registry(kind).get(alias) is part) != bool(needed)
