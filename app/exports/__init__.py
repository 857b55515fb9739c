"""Rows in, files out; knows nothing of the domain."""
