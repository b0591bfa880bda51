"""The pages' code fits a screen and prints what it says, and every public name is documented.

Pages are doctests, which pytest collects by itself (docs/conftest.py).
"""

import doctest
import importlib
import inspect
import re
import runpy

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

from tests.conftest import NAMESPACES, ROOT

PAGES = sorted(page.name for page in (ROOT / "docs").glob("*.rst"))
FIGURES = sorted(path.name for path in (ROOT / "docs" / "figures").glob("*.py"))

FENCED = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def page_text(page):
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


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


PUBLIC = public_objects()
CLASSES = [entry for entry in PUBLIC if inspect.isclass(entry.values[0])]


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


@pytest.mark.filterwarnings("error::UserWarning")
def test_blocks_of_the_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = FENCED.findall(text)
    assert blocks
    namespace = {"__name__": "__main__"}
    for code in blocks:
        exec(compile(code, "README.md", "exec"), namespace)


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page_fits_its_column(page):
    lines = page_text(page).splitlines()
    code = [line for line in lines if line.lstrip().startswith((">>>", "..."))]
    assert [line for line in code if len(line) > 80] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_code_prints(page):
    # What no test runs, code of others or of a cluster, is a block of "py".
    assert ".. code-block:: python\n" not in page_text(page)


def test_every_page_is_in_a_table_of_contents():
    text = "\n".join(page_text(page) for page in PAGES)
    names = re.findall(r"^   (?:.* <)?(\w+)>?$", text, re.MULTILINE)
    assert {page.removesuffix(".rst") for page in PAGES} - set(names) == {"index"}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_drawn(figure):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    functions = runpy.run_path(str(ROOT / "docs" / "figures" / figure))
    functions.get("light", lambda: None)()
    assert plt.get_fignums()


@pytest.mark.parametrize("thing", PUBLIC)
def test_docstring(thing):
    is_class = inspect.isclass(thing)
    doc = ClassDoc(thing) if is_class else FunctionDoc(thing)
    assert doc["Summary"] or doc["Extended Summary"], "no docstring"
    assert documented(doc["Parameters"]) == arguments(thing)
    if not is_class and inspect.signature(thing).return_annotation not in (None, "None"):
        assert doc["Returns"] or doc["Yields"], "says not what it returns"
    elif hasattr(thing, "fit"):
        assert doc["Attributes"], "says not what fit leaves behind"


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
