"""The only package that imports Flask; register() lists every screen."""

from __future__ import annotations

from flask import Flask

from app.config import Settings
from app.web import (
    access,
    assets,
    audit,
    auth,
    context,
    errors,
    headers,
    health,
    mine,
    registration,
    rendering,
    styleguide,
    tickets,
)


def register(app: Flask) -> None:
    """Bind the ring: checks, rendering, errors, screens. Refuses an endpoint without a rule."""
    settings: Settings = app.extensions["settings"]
    headers.register(app, settings)
    rendering.register(app)
    errors.register(app)
    context.register(app)
    assets.register(app)
    mine.register(app)
    for screen in (audit, auth, health, styleguide, registration, tickets):
        app.register_blueprint(screen.bp)
    access.check_every_endpoint(app)
