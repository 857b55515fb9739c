"""The only package that imports Flask; register() lists every screen."""

from __future__ import annotations

from flask import Flask

from app.config import Settings
from app.web import (
    access,
    activities,
    api,
    assets,
    audit,
    auth,
    checkin,
    compress,
    console,
    context,
    demo,
    errors,
    evidence,
    feedback,
    headers,
    health,
    held,
    home,
    jinja,
    metrics,
    mine,
    operations,
    organisation,
    party,
    photos,
    planning,
    progress,
    public,
    registration,
    rendering,
    review,
    scan,
    scan_api,
    screen,
    styleguide,
    tickets,
)

SCREENS = (
    activities, api, audit, auth, checkin, console, demo, evidence, feedback, health, held, home, metrics, operations, organisation, party, photos, planning, progress, public, registration,
    review, scan, scan_api, screen, styleguide, tickets,
)  # fmt: skip


def register(app: Flask) -> None:
    """Bind the ring: checks, rendering, errors, screens. Refuses an endpoint without a rule."""
    settings: Settings = app.extensions["settings"]
    compress.register(app)
    headers.register(app, settings)
    jinja.register(app)
    rendering.register(app)
    errors.register(app)
    context.register(app)
    assets.register(app)
    mine.register(app)
    for module in SCREENS:
        app.register_blueprint(module.bp)
    access.check_every_endpoint(app)
    checkin.hot.register(app, settings)
