"""Estimators made of estimators."""

from skmtl.compose._independent import IndependentTasks

__all__ = ["IndependentTasks"]
