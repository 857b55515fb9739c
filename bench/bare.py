"""The yardstick's server: bare Flask routes, one that returns two letters, one that renders a constant template."""

from functools import cache

from flask import Flask, render_template
from jinja2 import DictLoader

app = Flask("bare")


@app.post("/")
def bare() -> str:
    """No session, no form, no database."""
    return "ok"


@cache
def _name(size: int) -> str:
    loader = app.jinja_env.loader
    if not isinstance(loader, DictLoader):
        loader = app.jinja_env.loader = DictLoader({})
    loader.mapping[str(size)] = "<p>石榴</p>" * (size // len("<p>石榴</p>".encode()))  # type: ignore[index]
    return str(size)


@app.get("/constant/<int:size>")
def constant(size: int) -> str:
    """A template of about `size` bytes without a variable."""
    return render_template(_name(size))
