"""Sphinx configuration; the API page is written here from the packages' public names."""

import importlib
import inspect
import warnings
from pathlib import Path

import skmtl

HERE = Path(__file__).parent

project = "skmtl"
author = "The skmtl developers"
copyright = "The skmtl developers"
release = skmtl.__version__
version = ".".join(release.split(".")[:2])

# No intersphinx: fetching inventories would make the build depend on a network.
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "Thumbs.db"]
highlight_language = "python"

html_theme = "pydata_sphinx_theme"
html_title = f"skmtl {release}"
html_show_sourcelink = False
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# Members are listed by the class template, once.
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "doc_module": "skmtl",
    "reference_url": {"skmtl": None},
    "backreferences_dir": None,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "plot_gallery": "True",
}

API = {
    "skmtl": "Estimators and everyday functions",
    "skmtl.tasks": "What a task is",
    "skmtl.linear.penalties": "What a coefficient matrix should look like",
    "skmtl.neural.architectures": "How tasks share a network",
    "skmtl.neural.balancing": "How tasks are weighed while a network trains",
    "skmtl.compose": "Estimators made of estimators",
    "skmtl.metrics": "Scores over observed labels",
    "skmtl.datasets": "Data sets",
}


def public_objects(module_name):
    """Public names of a module with their objects; a module without any is an error."""
    module = importlib.import_module(module_name)
    names = [name for name in module.__all__ if not name.startswith("__")]
    if not names:
        raise ValueError(f"{module_name}.__all__ is empty")
    objects = {name: getattr(module, name) for name in names}
    return {name: thing for name, thing in objects.items() if not inspect.ismodule(thing)}


def api_page():
    """Text of the API page: one table per module, every object described once."""
    lines = ["API", "===", ""]
    home = {}
    for module_name, title in API.items():
        objects = public_objects(module_name)
        new = [name for name, thing in objects.items() if id(thing) not in home]
        known = [home[id(thing)] for thing in objects.values() if id(thing) in home]
        home.update((id(objects[name]), f"{module_name}.{name}") for name in new)
        lines += [title, "-" * len(title), "", f".. currentmodule:: {module_name}", ""]
        lines += [f"``{module_name}``", ""]
        if new:
            lines += [".. autosummary::", "   :toctree: generated", ""]
            lines += [f"   {name}" for name in new] + [""]
        if known:
            links = ", ".join(f":obj:`{name}`" for name in known)
            lines += [f"Also importable from here: {links}.", ""]
    return "\n".join(lines)


def write_api_page():
    """Write the page only where it changed, so that an unchanged one is not read again."""
    page = HERE / "api" / "index.rst"
    page.parent.mkdir(exist_ok=True)
    text = api_page()
    if not page.exists() or page.read_text() != text:
        page.write_text(text)


def skip_member(app, what, name, thing, skip, options):
    """Leave out what every scikit-learn estimator has and its own documentation explains."""
    routing = {"get_metadata_routing", "get_params", "set_params"}
    if name in routing or (name.startswith("set_") and name.endswith("_request")):
        return True
    return None


def setup(app):
    """Connect the hooks above."""
    app.connect("autodoc-skip-member", skip_member)


# Short examples stop before they converge; a page that shows it on purpose says so itself.
warnings.filterwarnings("ignore", category=UserWarning, module="matplotlib")

write_api_page()
