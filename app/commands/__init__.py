"""Command groups that are too long for cli.py."""
