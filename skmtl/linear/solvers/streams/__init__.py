"""Losses of rows that come in chunks: the chunk itself, and a model of those before it."""
