"""What writes references is no test: it needs the packages they come from."""

collect_ignore = ["references.py"]
