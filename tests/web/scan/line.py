"""A network that can be cut: the server's port closes, and the browser is told that it is offline."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from flask import Flask
from playwright.sync_api import BrowserContext
from werkzeug.serving import BaseWSGIServer, make_server


@dataclass
class Line:
    """The app on its port, up or down. Chromium's own switch does not reach service workers, a closed port does."""

    app: Flask
    port: int
    listener: BaseWSGIServer | None = None
    thread: threading.Thread = field(default_factory=threading.Thread)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self, *phones: BrowserContext) -> None:
        self.listener = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self.thread = threading.Thread(target=self.listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        for phone in phones:
            phone.set_offline(False)

    def down(self, *phones: BrowserContext) -> None:
        for phone in phones:
            phone.set_offline(True)
        if self.listener is not None:
            self.listener.shutdown()
            self.thread.join()
            self.listener.server_close()
            self.listener = None
