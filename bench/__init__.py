"""Measurements: each module is one group, each figure a ratio against its yardstick in the same run."""
