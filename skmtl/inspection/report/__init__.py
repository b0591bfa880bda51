"""A report on all tasks: a table, or one page that needs no network."""

from skmtl.inspection.report._report import MultiTaskReport

__all__ = ["MultiTaskReport"]
