"""Which tests `make check` takes for a change."""

from pathlib import Path

import pytest

from tests.nearest import nearest, without_nested


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("skmtl/tasks/_stack.py", ["skmtl/tasks/_stack.py", "tests/tasks/test_stack.py"]),
        ("skmtl/metrics/_keys.py", ["skmtl/metrics/_keys.py", "tests/metrics"]),
        ("skmtl/neural/_torch.py", ["skmtl/neural/_torch.py", "tests/neural"]),
        ("skmtl/_sparse.py", ["skmtl/_sparse.py", "tests/test_sparse.py"]),
        ("tests/tasks/test_stack.py", ["tests/tasks/test_stack.py"]),
        ("tests/metrics/conftest.py", ["tests/metrics"]),
        ("tests/fuzz/outcome.py", ["tests/fuzz/test_fuzz.py"]),
        ("CHANGELOG.md", ["tests/test_docs.py", "tests/test_contributing.py"]),
        ("docs/figures/folds.py", ["tests/test_docs.py", "tests/test_contributing.py"]),
        (
            "docs/linear.rst",
            ["docs/linear.rst", "tests/test_docs.py", "tests/test_contributing.py"],
        ),
        ("Makefile", []),
    ],
)
def test_of_a_file(path, expected):
    assert [str(near) for near in nearest(path)] == expected


def test_a_folder_has_its_files():
    found = without_nested(["tests/metrics/test_d2.py", "tests/metrics", "tests/test_docs.py"])
    assert found == [Path("tests/metrics"), Path("tests/test_docs.py")]
