"""The yardstick's server: one Flask route that returns two letters."""

from flask import Flask

app = Flask("bare")


@app.post("/")
def bare() -> str:
    """No session, no form, no database."""
    return "ok"
