"""The pages' code runs and fits a screen, and every public name is documented.

Most pages are doctests, which pytest collects by itself; what is here are blocks without output.
"""

import importlib
import importlib.util
import inspect
import re
import runpy
import textwrap

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

from tests.conftest import NAMESPACES, ROOT

PAGES = ["README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.rst")))]
FIGURES = sorted(path.name for path in (ROOT / "docs" / "figures").glob("*.py"))

FENCED = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^\.\. code-block:: python\n(?: +:.*\n)*\n((?:(?: +.*)?\n)+)", re.MULTILINE)


def code_blocks(path):
    """Python blocks of a page, in order, each with the number of the line before it."""
    text = path.read_text(encoding="utf-8") + "\n"
    pattern = FENCED if path.suffix == ".md" else DIRECTIVE
    for match in pattern.finditer(text):
        yield textwrap.dedent(match[1]), text.count("\n", 0, match.start(1))


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
@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = ROOT / page
    namespace = {"__name__": "__main__"}
    for code, line in code_blocks(path):
        if "skrub." in code and importlib.util.find_spec("skrub") is None:
            continue
        # The padding makes a traceback point at the line of the page.
        exec(compile("\n" * line + code, str(path), "exec"), namespace)


def test_readme_has_code():
    assert list(code_blocks(ROOT / "README.md"))


@pytest.mark.parametrize("page", PAGES[1:])
def test_code_of_a_page_fits_its_column(page):
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line.lstrip().startswith((">>>", "..."))]
    assert [line for line in code if len(line) > 80] == []


def test_a_page_runs_in_one_go_or_not_at_all():
    # Blocks of both kinds would not see each other's names.
    both = [
        page for page in PAGES[1:] if list(code_blocks(ROOT / page)) and ">>> " in text_of(page)
    ]
    assert both == []


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


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
    # Nothing can be made of an abstract class; its subclasses show how it is used.
    assert doc["Examples"] or inspect.isabstract(thing), "no example"
    if not is_class and inspect.signature(thing).return_annotation not in (None, "None"):
        assert doc["Returns"] or doc["Yields"], "says not what it returns"
    elif hasattr(thing, "fit"):
        assert doc["Attributes"], "says not what fit leaves behind"


@pytest.mark.parametrize("thing", CLASSES)
def test_methods_have_docstrings(thing):
    bare = [
        name
        for name, member in inspect.getmembers(thing, callable)
        if not name.startswith("_") and not inspect.getdoc(member)
    ]
    assert bare == []
