"""Putting the app together: settings, keys, engine, extensions, web, commands."""

from __future__ import annotations

import sys
from pathlib import Path

import pysqlite3
from werkzeug.middleware.proxy_fix import ProxyFix

from app import cli, web
from app.config import ROOT, Settings, SettingsError, load_settings
from app.extensions import babel, csrf, db, limiter, login_manager, migrate
from app.kernel.database import configure_engine
from app.kernel.erasures import ERASURES, keep_erasures
from app.kernel.keys import KeyRing, KeysMissing, init_keys, load_keys
from app.organisation.service import use_cheap_hashing
from app.web.jinja import Site


def make_app(settings: Settings | None = None) -> Site:
    """Raises SettingsError in words; a process that runs a command prints them and ends."""
    try:
        settings = settings or load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    settings.home.mkdir(parents=True, exist_ok=True)
    app = Site(
        "app",
        root_path=str(ROOT / "app"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        instance_path=str(settings.home),
    )
    app.config.from_mapping(_flask_config(settings))
    app.extensions["settings"] = settings
    app.extensions["keys"] = _keys(settings)
    ring: KeyRing | None = app.extensions["keys"]
    if ring is not None:
        session_keys = [key.hex() for key in ring.session]
        app.config["SECRET_KEY"] = settings.secret_key or session_keys[0]
        app.config["SECRET_KEY_FALLBACKS"] = session_keys[0 if settings.secret_key else 1 :]
    if settings.argon2_cheap:
        use_cheap_hashing()
    if settings.proxy_hops:
        # Only as many forwarded addresses as there are proxies of ours; the host is never taken from one.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxy_hops, x_proto=settings.proxy_hops, x_host=0)  # type: ignore[method-assign]
    _bind(app, settings)
    web.register(app)
    cli.register(app)
    return app


def _flask_config(settings: Settings) -> dict[str, object]:
    secure = settings.is_secure
    # The connection used last goes first: its statements are prepared and its pages read.
    options: dict[str, object] = {"pool_pre_ping": not settings.is_sqlite, "pool_use_lifo": True}
    if settings.is_sqlite:
        options |= {"module": pysqlite3, "pool_size": 8, "max_overflow": 24}
    else:
        options |= {"pool_size": 8, "max_overflow": 16}
    return {
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": options,
        "SESSION_COOKIE_NAME": "__Host-shiliu" if secure else "shiliu",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,  # pages stay open for hours in WeChat
        "WTF_CSRF_SSL_STRICT": False,  # our own Origin check stands in headers.py
        "WTF_I18N_ENABLED": False,  # WTForms' own catalogue, extensions.py: Flask-WTF parses the file for every request
        "MAX_CONTENT_LENGTH": 64 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 512 * 1024,
        "MAX_FORM_PARTS": 400,
        "BABEL_DEFAULT_LOCALE": "zh_Hans_CN",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        "RATELIMIT_ENABLED": settings.env != "test",
        "RATELIMIT_STORAGE_URI": settings.redis_url or "memory://",
        # Counting in memory, two threads may start one timer and one of them fails: nobody is turned away for that.
        "RATELIMIT_SWALLOW_ERRORS": True,
        "TESTING": settings.env == "test",
    }


def _keys(settings: Settings) -> KeyRing | None:
    folder: Path = settings.home / "keys"
    if settings.env == "test":
        init_keys(folder)
    try:
        return load_keys(folder)
    except KeysMissing:
        # `flask keys init` itself must be able to start; web.register refuses later.
        return None


def _bind(app: Site, settings: Settings) -> None:
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)
    csrf.init_app(app)
    babel.init_app(app)
    limiter.init_app(app)
    login_manager.session_protection = None  # our own server-side sign-ins, see web/access.py
    login_manager.init_app(app)
    with app.app_context():
        lock = settings.home / "write.lock" if settings.is_sqlite else None
        for engine in db.engines.values():
            configure_engine(engine, lock)
            keep_erasures(engine, settings.home / ERASURES)
