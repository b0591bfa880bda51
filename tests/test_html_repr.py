"""What a notebook shows of an estimator."""

import re
from importlib.metadata import PackageNotFoundError
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmtl
from skmtl import IndependentTasks, MultiTaskLasso, MultiTaskLinear, _html
from skmtl._base import MultiTaskEstimator

needs_table = pytest.mark.skipif(
    not hasattr(BaseEstimator, "_get_params_html"),
    reason="scikit-learn before 1.7 shows no parameters",
)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = pd.DataFrame(
        {
            "<b>length": X[:, 0],
            "kind": np.array(["<i>", "a", "b"])[np.arange(40) % 3],
            "ill": X[:, 1] > 0,
        }
    ).astype({"ill": object})
    y.iloc[:5, 0] = np.nan
    y.iloc[:7, 2] = None
    return X, y


def tasks_shown(html):
    """Rows of the table of tasks: name, type, number of labels, classes."""
    table = re.search(r"<summary>Tasks.*?</table>", html, re.DOTALL)
    rows = re.findall(r"<tr><td.*?</tr>", table[0], re.DOTALL) if table else []
    return [tuple(re.findall(r"<td[^>]*>(.*?)</td>", row)) for row in rows]


@needs_table
def test_tasks_types_and_labels(data):
    html = MultiTaskLinear(alpha=0.1).fit(*data)._repr_html_()
    assert tasks_shown(html) == [
        ("&lt;b&gt;length", "regression", "35", ""),
        ("kind", "multiclass", "40", "&lt;i&gt;, a, b"),
        ("ill", "binary", "33", "False, True"),
    ]
    assert "Tasks (3, 108 labels)" in html
    assert "<b>length" not in html


@needs_table
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: GridSearchCV(model, {"alpha": [0.1]}, cv=2),
    ],
    ids=["pipeline", "search"],
)
def test_tasks_inside_other_estimators(data, wrap):
    html = wrap(MultiTaskLinear(alpha=0.1)).fit(*data)._repr_html_()
    assert len(tasks_shown(html)) == 3


def test_an_unfitted_estimator_has_no_tasks():
    assert tasks_shown(MultiTaskLinear()._repr_html_()) == []


@needs_table
def test_long_form():
    X = np.array([[0.0, 3], [1, 3], [2, 5], [3, 5], [4, 5]])
    model = IndependentTasks(task_feature=1).fit(X, [1.0, 2.5, 3, 4.5, np.nan])
    assert tasks_shown(model._repr_html_()) == [("3", "regression", "2"), ("5", "regression", "2")]


@needs_table
def test_many_tasks_and_classes():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 40))
    html = MultiTaskLasso().fit(X, y)._repr_html_()
    assert len(tasks_shown(html)) == 30
    assert "and 10 more tasks" in html
    model = IndependentTasks(tasks="multiclass").fit(X, np.arange(20) % 8)
    assert tasks_shown(model._repr_html_())[0][1:] == ("multiclass", "20", "0, 1, 2, 3, 4, ...")


def test_no_links_without_an_address(monkeypatch):
    monkeypatch.setattr(_html, "documentation_address", lambda: "")
    assert MultiTaskLinear()._get_doc_link() == ""
    assert 'class="param-doc-link"' not in MultiTaskLinear()._repr_html_()


def test_links_to_the_page_of_the_estimator(monkeypatch):
    monkeypatch.setattr(_html, "documentation_address", lambda: "https://docs.example")
    page = "https://docs.example/api/generated/skmtl.MultiTaskLinear.html"
    assert MultiTaskLinear()._get_doc_link() == page
    html = MultiTaskLinear()._repr_html_()
    assert f'href="{page}"' in html

    class Mine(MultiTaskLinear):
        pass

    Mine.__module__ = "elsewhere"
    assert Mine()._get_doc_link() == ""


ESTIMATORS = [
    thing
    for thing in (getattr(skmtl, name) for name in skmtl.__all__)
    if isinstance(thing, type) and issubclass(thing, MultiTaskEstimator)
]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_links_to_its_description(cls, monkeypatch):
    common = pytest.importorskip("sklearn.utils._repr_html.common")  # scikit-learn 1.9
    monkeypatch.setattr(_html, "documentation_address", lambda: "https://docs.example")
    required = [p.name for p in signature(cls).parameters.values() if p.default is p.empty]
    model = cls(**{name: MultiTaskLinear() for name in required})
    html = model._repr_html_()
    for parameter in model.get_params(deep=False):
        link = common.generate_link_to_param_doc(cls, parameter, model._get_doc_link())
        assert f'href="{link}"' in html, parameter


def test_address_comes_from_the_metadata(monkeypatch):
    class Metadata:
        def get_all(self, name, default):
            return ["Source, https://code.example", "Documentation, https://docs.example/"]

    monkeypatch.setattr(_html, "metadata", lambda package: Metadata())
    assert _html.documentation_address.__wrapped__() == "https://docs.example"

    def not_installed(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(_html, "metadata", not_installed)
    assert _html.documentation_address.__wrapped__() == ""


def test_text_is_left_to_scikit_learn(data):
    model = MultiTaskLinear(alpha=0.1).fit(*data)
    with config_context(display="text"):
        assert not hasattr(model, "_repr_html_")
    bundle = model._repr_mimebundle_()
    assert bundle["text/plain"] == "MultiTaskLinear(alpha=0.1)"
