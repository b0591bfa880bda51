"""What importing skmtl costs, and what is left of it without torch."""

import ast
import importlib
import re
import subprocess
import sys
import textwrap
import tomllib
from importlib.metadata import PackageNotFoundError, version

import pytest

import skmtl
from skmtl._optional import import_optional
from skmtl.neural.architectures import ARCHITECTURES
from tests.conftest import NAMESPACES, ROOT
from tests.installed import MISSING
from tests.without import EXTRAS

HIDDEN = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.without import hide

hide({{names}})
import numpy as np
import skmtl
from skmtl._optional import import_optional
"""
DATA = """
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 5))
Y = X @ rng.normal(size=(5, 3))
Y[::4, 1] = np.nan
"""
RELEASED = ROOT / "tests" / "persistence" / "files" / "0.1.0.dev0"
OPTIONAL = {name for extra in EXTRAS.values() for name in extra} | {"polars"}


def run_without(names, code):
    """Run code where the packages of these names cannot be imported."""
    return run_python(HIDDEN.format(names=names) + DATA + textwrap.dedent(code))


def run_python(code):
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_is_light():
    # The rooms need scikit-learn, which imports pandas and rich where it finds them.
    code = """
    import sys, importlib
    import skmtl
    print("skmtl", *{"torch", "matplotlib", "polars", "pandas", "rich"} & set(sys.modules))
    for name in skmtl._MODULES:
        if name != "testing":
            importlib.import_module(f"skmtl.{name}")
            print(name, *{"torch", "matplotlib", "polars"} & set(sys.modules))
    """
    said = run_python(textwrap.dedent(code)).split()
    assert said == ["skmtl", *(name for name in skmtl._MODULES if name != "testing")]


def test_networks_load_no_linear_models():
    code = """
    import sys
    from skmtl import MultiTaskMLP, MultiTaskMLPCV
    print(*sorted(name for name in sys.modules if name.startswith("skmtl.linear")))
    """
    assert run_python(textwrap.dedent(code)).split() == []


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_public_names(namespace):
    module = importlib.import_module(namespace)
    names = list(module.__all__)
    assert len(names) == len(set(names))
    assert set(names) <= set(dir(module))
    for name in names:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_an_unknown_name_is_an_attribute_error(namespace):
    module = importlib.import_module(namespace)
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # noqa: B018


def test_modules_are_attributes():
    code = """
    import sys, skmtl
    print(skmtl.metrics.d2_score.__name__, skmtl.linear.penalties.L21.__name__)
    print(sorted({"torch", "matplotlib"} & set(sys.modules)))
    print(skmtl.neural.architectures.MMoE.__name__, skmtl.inspection.transfer_gain.__name__)
    """
    said = run_python(textwrap.dedent(code)).splitlines()
    assert said == ["d2_score L21", "[]", "MMoE transfer_gain"]


def test_the_stub_has_the_names_that_are_loaded_on_first_use():
    tree = ast.parse((ROOT / "skmtl" / "__init__.pyi").read_text())
    homes = {
        alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    (listed,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    ]
    assert homes == skmtl._HOMES | dict.fromkeys(skmtl._MODULES, "skmtl")
    assert sorted(listed) == skmtl.__all__


def test_every_package_is_an_attribute():
    packages = {p.parent.name for p in (ROOT / "skmtl").glob("*/__init__.py")}
    assert packages == set(skmtl._MODULES)


def test_types_are_said_to_be_there():
    assert (ROOT / "skmtl" / "py.typed").is_file()


def test_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", skmtl.__version__)


def test_linear_half_without_torch():
    code = """
    model = skmtl.MultiTaskLinear(alpha=0.01).fit(X, Y)
    assert np.isfinite(model.predict(X)).all()
    assert model.score(X, Y) > 0.9
    assert skmtl.task_scores(model, X, Y)["mean"] > 0.9
    """
    run_without({"torch"} | OPTIONAL, code)


def test_neural_half_without_torch_says_what_to_install():
    code = f"""
    for architecture in {sorted(ARCHITECTURES)}:
        try:
            skmtl.MultiTaskMLP(architecture=architecture).fit(X, Y)
        except ImportError as error:
            print(error)
    """
    said = run_without({"torch"}, code).splitlines()
    assert said == ["MultiTaskMLP needs PyTorch: pip install torch"] * len(ARCHITECTURES)


def test_parts_of_networks_without_torch_say_what_to_install():
    # The second time as the first: no half of the module is left behind.
    homes = ["architectures", "architectures", "balancing", "balancing"]
    code = f"""
    import importlib
    for home in {homes}:
        try:
            importlib.import_module(f"skmtl.neural.{{home}}")
        except ImportError as error:
            print(error)
    """
    said = run_without({"torch"}, code).splitlines()
    assert said == [f"skmtl.neural.{home} needs PyTorch: pip install torch" for home in homes]


def test_a_file_of_a_network_without_torch_says_what_to_install():
    pytest.importorskip("safetensors")
    code = f"""
    import skmtl.persistence
    try:
        skmtl.persistence.load({str(RELEASED / "network.safetensors")!r})
    except ImportError as error:
        print(error)
    """
    assert run_without({"torch"}, code).strip().endswith("needs PyTorch: pip install torch")


def test_neural_half_without_optional_packages():
    code = """
    model = skmtl.MultiTaskMLP(max_iter=2, tol=0).fit(X, Y)
    assert np.isfinite(model.predict(X)).all()
    """
    run_without(OPTIONAL, code)


@pytest.mark.parametrize("extra", EXTRAS)
def test_all_works_without_an_extra_but_what_asks_for_it(extra):
    asks = [name for name in EXTRAS[extra] if name in MISSING]
    code = f"""
    from tests.installed import fitted_as_ever, missing
    model = fitted_as_ever()
    for name in {asks}:
        print(missing(name, model))
    """
    said = run_without(EXTRAS[extra], code).splitlines()
    assert len(said) == len(asks)
    for name, line in zip(asks, said, strict=True):
        assert name in line and f'pip install "skmtl[{extra}]"' in line


def test_the_extras_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    (every,) = [line for line in extras["test"] if line.startswith("skmtl[")]
    assert set(EXTRAS) == set(re.findall(r"\w+", every)) - {"skmtl"}
    for extra, names in EXTRAS.items():
        packages = {re.match(r"[\w-]+", line)[0] for line in extras[extra]}
        assert packages - {"dask"} <= set(names) <= packages | {"distributed"}


def test_versions_name_what_is_installed(capsys):
    skmtl.show_versions()
    said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert said["skmtl"] == skmtl.__version__
    for name in ("numpy", "scipy", "scikit-learn", "numba", "torch"):
        assert said[name] == version(name)
    assert list(said)[:3] == ["python", "system", "skmtl"]


def test_versions_agree():
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited[1] == skmtl.__version__


def test_versions_of_what_is_not_there(capsys, monkeypatch):
    def known(name):
        if name == "joblib":
            raise PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr("skmtl._show_versions.version", known)
    monkeypatch.setitem(sys.modules, "torch", None)
    skmtl.show_versions()
    shown = capsys.readouterr().out
    assert "numpy: 1.2.3" in shown and "joblib" not in shown
    assert "cuda: no torch" in shown


def test_a_part_that_an_optional_package_lacks_is_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import no_such_package_of_its_own")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package_of_its_own"):
        import_optional("needs_more", "A display", "plot")
    with pytest.raises(ImportError, match=r"A display needs no_such_package, .* \"skmtl\[plot\]"):
        import_optional("no_such_package", "A display", "plot")
