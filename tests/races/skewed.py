"""The product on a clock that is off by as many seconds as a file says: what the second server of test_two_clocks serves."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from app.kernel import clock

_right = clock.now


def _off() -> datetime:
    return _right() + timedelta(seconds=float(Path(os.environ["SHILIU_TEST_SKEW"]).read_text()))


clock.now = _off  # before anything takes it by name

from app import create_app  # noqa: E402

app = create_app()
