"""The pages' code fits a screen and prints what it says.

Pages are doctests, which pytest collects by itself (docs/conftest.py).
"""

import re
import runpy

import pytest

from tests.conftest import ROOT

PAGES = sorted(page.name for page in (ROOT / "docs").glob("*.rst"))
FIGURES = sorted(path.name for path in (ROOT / "docs" / "figures").glob("*.py"))

FENCED = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def page_text(page):
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


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
