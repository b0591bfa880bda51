"""The tests nearest to what has changed: ``python -m tests.nearest [REVISION]`` prints their paths.

A file of the package stands for its own examples and for the tests that mirror it, those of its
room where it has none of its own; a file beside tests for the tests that import it.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["tests/test_docs.py", "tests/test_contributing.py"]


def changed(revision="main"):
    """Files that differ from where this branch left ``revision``, and new ones."""
    base = git("merge-base", revision, "HEAD") or ["HEAD"]
    found = git("diff", "--name-only", base[0]) + git("ls-files", "-o", "--exclude-standard")
    return sorted({path for path in found if (ROOT / path).exists()})


def git(*command):
    done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.split() if done.returncode == 0 else []


def nearest(path):
    """Paths of tests for one file."""
    path = Path(path)
    if path.suffix == ".rst":
        return [path, *PAGES]
    if path.suffix == ".md" or path.parts[0] == "docs":
        return PAGES
    if path.parts[0] == "tests" and path.suffix == ".py":
        return [path] if path.name.startswith("test_") else importers(path)
    if path.parts[0] == "skmtl" and path.suffix == ".py":
        return [path, *mirrored(path)]
    return []


def importers(path):
    """Test files that import a file beside them; all of its folder for fixtures in a room."""
    if path.name == "conftest.py" and len(path.parts) > 2:
        return [path.parent]
    line = re.compile(rf"^from \S*\b{path.stem} import", re.MULTILINE)
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    return [test.relative_to(ROOT) for test in tests if line.search(test.read_text())]


def mirrored(path):
    """Tests of a module, or of the first folder above it that has any."""
    folder = Path("tests", *path.parent.parts[1:])
    own = folder / f"test_{path.stem.lstrip('_')}.py"
    if (ROOT / own).exists():
        return [own]
    if folder == Path("tests"):
        return ["tests/test_import.py", "tests/test_registries.py"]
    return [folder] if (ROOT / folder).is_dir() else mirrored(path.parent)


def without_nested(paths):
    """Each path once, and none inside of another."""
    paths = sorted({Path(path) for path in paths})
    return [path for path in paths if not set(path.parents) & set(paths)]


if __name__ == "__main__":
    print(*without_nested(near for path in changed(*sys.argv[1:]) for near in nearest(path)))
