"""Sphinx configuration; the API pages are written here from the packages' public names."""

import importlib
import inspect
import re
import sys
from pathlib import Path

import skmtl

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "skmtl"
author = "The skmtl developers"
copyright = "The skmtl developers"
release = skmtl.__version__
version = ".".join(release.split(".")[:2])

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "mathml",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["skmtl.css"]
exclude_patterns = ["_build", "_templates", "Thumbs.db", "**/sg_execution_times.rst"]
highlight_language = "python"

# Names of skmtl must resolve. Those of others cannot: fetching inventories needs a network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(joblib|numpy|pandas|scipy|sklearn|torch)\..*")]

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"skmtl {release}"
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "icon_links": [
        {
            "name": "GitHub",
            "url": "https://github.com/skmtl/skmtl",
            "icon": "fa-brands fa-github",
        }
    ],
}
# The front page and a search have no section to navigate in.
html_sidebars = {"index": [], "search": []}

# Copied code is without prompts and without what it prints.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

plot_formats = [("png", 160)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = False
plot_rcparams = {"figure.figsize": (6.4, 3.6), "font.size": 11, "savefig.bbox": "tight"}
plot_apply_rcparams = True

autodoc_typehints = "none"
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
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
    # Its table would fetch scripts from elsewhere.
    "write_computation_times": False,
    "plot_gallery": "True",
    # What a figure is drawn with is not what a reader wants printed.
    "ignore_repr_types": r"matplotlib\.",
}

API = {
    "skmtl": "Estimators and everyday functions",
    "skmtl.tasks": "What a task is",
    "skmtl.linear": "Linear models, and statistics that add up",
    "skmtl.linear.penalties": "What a coefficient matrix should look like",
    "skmtl.kernel": "Kernel methods of many tasks",
    "skmtl.neural": "Networks that go on from a file, or in several processes",
    "skmtl.neural.architectures": "How tasks share a network",
    "skmtl.neural.balancing": "How tasks are weighed while a network trains",
    "skmtl.neural.inputs": "What a network reads of a row",
    "skmtl.compose": "Estimators made of estimators",
    "skmtl.uncertainty": "How sure",
    "skmtl.metrics": "Scores over observed labels",
    "skmtl.model_selection": "Splits that respect tasks and missing labels",
    "skmtl.inspection": "Whether sharing helped, and who should share",
    "skmtl.datasets": "Data sets",
    "skmtl.sources": "Rows in blocks: more data than memory has room for",
    "skmtl.persistence": "Files of fitted estimators, without code",
    "skmtl.export": "Torch modules and ONNX files of fitted estimators",
    "skmtl.testing": "Checks for parts of your own",
}
# Named, because pages that this file writes are not known yet where an earlier build goes on.
autosummary_generate = [f"api/{module_name}.rst" for module_name in API]


def public_objects(module_name):
    """Public names of a module with their objects; a module without any is an error."""
    module = importlib.import_module(module_name)
    names = [name for name in module.__all__ if not name.startswith("__")]
    if not names:
        raise ValueError(f"{module_name}.__all__ is empty")
    objects = {name: getattr(module, name) for name in names}
    return {name: thing for name, thing in objects.items() if not inspect.ismodule(thing)}


def room_pages():
    """Text of a page for each module: every object is described once, where it is met first."""
    home, pages = {}, {}
    for module_name, title in API.items():
        objects = public_objects(module_name)
        new = [name for name, thing in objects.items() if id(thing) not in home]
        known = [home[id(thing)] for thing in objects.values() if id(thing) in home]
        home.update((id(objects[name]), f"{module_name}.{name}") for name in new)
        lines = [module_name, "=" * len(module_name), "", f"{title}.", ""]
        lines += [f".. module:: {module_name}", ""]
        if new:
            lines += [".. autosummary::", "   :toctree: generated", ""]
            lines += [f"   {name}" for name in new] + [""]
        if known:
            links = ", ".join(f":obj:`{name}`" for name in known)
            lines += [f"Also importable from here: {links}.", ""]
        pages[module_name] = "\n".join(lines)
    return pages


def index_page():
    """Text of the page that lists the modules."""
    lines = ["API", "===", "", "Every public class and function, by module.", ""]
    lines += [".. list-table::", "   :widths: 34 66", ""]
    for module_name, title in API.items():
        lines += [f"   * - :doc:`{module_name} <{module_name}>`", f"     - {title}"]
    lines += ["", ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in API), ""]
    return "\n".join(lines)


def write_api_pages():
    """Write pages only where they changed, so that unchanged ones are not read again."""
    folder = HERE / "api"
    folder.mkdir(exist_ok=True)
    for name, text in {"index": index_page(), **room_pages()}.items():
        page = folder / f"{name}.rst"
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def skip_member(app, what, name, thing, skip, options):
    """Leave out what comes from scikit-learn or torch, whose own pages explain it."""
    # A property is at home where its function is.
    home = getattr(getattr(thing, "fget", thing), "__module__", None) or ""
    is_routing = name.startswith("set_") and name.endswith("_request")
    if is_routing or home.partition(".")[0] in {"sklearn", "torch"}:
        return True
    return None


def escape_shapes(app, what, name, thing, options, lines):
    """Keep ``shape (n_iter_, n_tasks)`` text: to docutils a trailing underscore is a link."""
    for number, line in enumerate(lines):
        lines[number] = re.sub(r"shape \([^)`]*\)", _escape_underscores, line)


def _escape_underscores(shape):
    return re.sub(r"_(?=[,)])", r"\\_", shape[0])


def setup(app):
    """Connect the hooks above."""
    app.connect("autodoc-process-docstring", escape_shapes)
    app.connect("autodoc-skip-member", skip_member)


write_api_pages()
