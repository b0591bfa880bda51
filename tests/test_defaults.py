"""Defaults are what the documentation says, for every public class and function."""

import ast
import importlib
import inspect
import re

import pytest

from tests.conftest import NAMESPACES

DOCUMENTED = re.compile(r"^ *(\w+(?:, \w+)*) : .*\bdefault=(.+?)\.?$", re.MULTILINE)


def public():
    """What the rooms offer, with methods, by its full name."""
    found = {}
    for namespace in NAMESPACES:
        module = importlib.import_module(namespace)
        for name in module.__all__:
            each = getattr(module, name)
            if inspect.isclass(each):
                found[f"{each.__module__}.{name}"] = (each, each.__init__)
                for method_name, method in inspect.getmembers(each, inspect.isfunction):
                    if method.__module__.startswith("skmtl") and not method_name.startswith("_"):
                        found[f"{method.__module__}.{method.__qualname__}"] = (method, method)
            elif inspect.isfunction(each):
                found[f"{each.__module__}.{name}"] = (each, each)
    return found


def documented(doc):
    """Defaults by parameter; attributes have sections of their own."""
    parameters = re.split(r"\n *(?:Attributes|Returns|Notes|See Also)\n *-+\n", doc)[0]
    for names, told in DOCUMENTED.findall(parameters):
        value, names = literal(told.strip("` ")), names.split(", ")
        # Several parameters have a default each, or share it.
        is_each = isinstance(value, tuple) and len(value) == len(names) > 1
        each = value if is_each else [value] * len(names)
        yield from zip(names, each, strict=True)


def literal(told):
    try:
        return ast.literal_eval(told)
    except (ValueError, SyntaxError):
        return told


PUBLIC = public()


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_defaults_are_those_of_the_documentation(name):
    each, called = PUBLIC[name]
    parameters = inspect.signature(called).parameters
    for parameter, told in documented(inspect.getdoc(each) or ""):
        if parameter in parameters:
            assert parameters[parameter].default == told, parameter


def test_defaults_are_found_in_the_documentation():
    found = sum(len(list(documented(inspect.getdoc(each) or ""))) for each, _ in PUBLIC.values())
    assert found > 500
