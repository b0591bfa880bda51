"""Every public name, and every method of a public class, is documented in numpydoc's form.

Examples are doctests, which pytest collects by itself.
"""

import doctest
import importlib
import inspect

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from numpydoc.validate import validate

from skmtl import IndependentTasks, _docstrings
from skmtl.tasks import Task
from tests.conftest import NAMESPACES

# What numpydoc asks and the project does not:
NOT_ASKED = {
    "ES01",  # more than a summary, where a line says everything
    "EX01",  # an example for each method; that of a class or function is tested below
    "GL08",  # a docstring where a method overrides one that has it
    "RT02",  # a result without a name; scikit-learn names it, and so does this package
    "SA01",  # a section See Also for all; pages of the guide tell relatives apart
    "SS05",  # no plural at the start, which it takes for a verb: "Weights of the tasks."
}
# Said once, by the method that is overridden.
SECTIONS = {"PR01", "RT01", "YD01"}
# Said once, by the notes of `Task`; its methods say what they return in one line.
OF_TASKS = {"PR01", "RT01"}


def public_objects():
    """Every public class and function once, under the first name it has."""
    names = {}
    for namespace in NAMESPACES:
        module = importlib.import_module(namespace)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                names.setdefault(thing, f"{namespace}.{name}")
    return [pytest.param(thing, id=name) for thing, name in names.items()]


def is_ours(base, name):
    """Whether a class of this package defines a public method or property of this name."""
    member = vars(base).get(name)
    written = inspect.isfunction(member) or isinstance(member, (property, classmethod))
    return written and base.__module__.startswith("skmtl") and not name.startswith("_")


def public_methods():
    """Every method that a public class has or inherits, once: its names, and who defines it."""
    found = {}
    for entry in CLASSES:
        for name in dir(entry.values[0]):
            homes = [base for base in entry.values[0].__mro__ if is_ours(base, name)]
            if homes:
                found.setdefault((homes[0], name), (f"{entry.id}.{name}", homes))
    return [
        pytest.param(*names_and_homes, id=names_and_homes[0]) for names_and_homes in found.values()
    ]


PUBLIC = public_objects()
CLASSES = [entry for entry in PUBLIC if inspect.isclass(entry.values[0])]
NAMES = [pytest.param(entry.id, *entry.values, id=entry.id) for entry in PUBLIC]


def arguments(thing):
    """Names a caller can pass, as a docstring writes them."""
    # A constructor inherited from elsewhere is described where it comes from.
    if inspect.isclass(thing) and "skmtl" not in getattr(thing.__init__, "__module__", ""):
        return []
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = inspect.signature(thing).parameters.values()
    return [stars.get(p.kind, "") + p.name for p in parameters if p.name != "self"]


def documented(section):
    """Names in a numpydoc section; one entry may describe several."""
    return [name.strip() for entry in section for name in entry.name.split(",")]


def faults(name):
    """What numpydoc finds in a docstring, without what is not asked."""
    return {code: text for code, text in validate(name)["errors"] if code not in NOT_ASKED}


@pytest.mark.parametrize("name, thing", NAMES)
def test_form_of_a_name(name, thing):
    found = faults(name)
    # A constructor inherited from elsewhere is described where it comes from.
    if inspect.isclass(thing) and not arguments(thing):
        found.pop("PR01", None)
    assert found == {}


@pytest.mark.parametrize("thing", PUBLIC)
def test_parameters_and_results_of_a_name(thing):
    is_class = inspect.isclass(thing)
    doc = ClassDoc(thing) if is_class else FunctionDoc(thing)
    assert documented(doc["Parameters"]) == arguments(thing)
    if not is_class and inspect.signature(thing).return_annotation not in (None, "None"):
        assert doc["Returns"] or doc["Yields"], "says not what it returns"
    elif hasattr(thing, "fit"):
        assert doc["Attributes"], "says not what fit leaves behind"


@pytest.mark.parametrize("name, homes", public_methods())
def test_form_of_a_method(name, homes):
    found = faults(name)
    overrides = homes[0] is not homes[-1]
    left_out = SECTIONS if overrides else OF_TASKS if issubclass(homes[0], Task) else set()
    assert {code: text for code, text in found.items() if code not in left_out} == {}


def test_arguments_of_tasks_are_explained():
    """Those of all methods of task types, once, in the notes of `Task`."""
    notes = "\n".join(ClassDoc(Task)["Notes"])
    for name, homes in (entry.values for entry in public_methods()):
        member = inspect.getattr_static(homes[0], name.rpartition(".")[2])
        if issubclass(homes[0], Task) and not isinstance(member, property):
            names = inspect.signature(getattr(member, "__func__", member)).parameters
            missing = [p for p in names if p not in ("self", "cls") and f"``{p}``" not in notes]
            assert missing == [], name


@pytest.mark.parametrize("thing", PUBLIC)
def test_an_example_shows_what_it_prints(thing):
    """Docstrings are doctests: what an example is said to print is what it prints."""
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(thing))
    assert [example for example in examples if example.want], "no example with its output"
    assert not [example for example in examples if doctest.SKIP in example.options]


@pytest.mark.parametrize("thing", CLASSES)
def test_methods_have_docstrings(thing):
    bare = [
        name
        for name, member in inspect.getmembers(thing, callable)
        if not name.startswith("_") and not inspect.getdoc(member)
    ]
    assert bare == []


def test_shared_sections_are_filled_in_with_or_without_the_indentation_of_the_code():
    """Python leaves it out since 3.13."""
    written = """Some tasks.

    Parameters
    ----------
    <parameters>
    n_jobs : int
        Processes.
    """
    of_family = "    alpha : float\n        Strength.\n    <task parameters>"
    fill = _docstrings.documented(of_family, "", shared="")
    expected = ["alpha", "tasks", "task_feature", "unknown_task", "class_weight", "n_jobs"]
    for text in (written, inspect.cleandoc(written)):
        kind = type("Kind", (IndependentTasks,), {"__doc__": text})
        parameters = ClassDoc(fill(kind))["Parameters"]
        assert [parameter.name for parameter in parameters] == expected
        assert parameters[0].desc == ["Strength."]
