"""The set-up of `make run` in one process: keys, browser files, database, plan, demo data; each may be done already."""

from __future__ import annotations

import sys
import traceback

from flask.cli import FlaskGroup

from app import create_app

STEPS = (
    ("keys", "init"),  # the app of the later steps needs them, so each step gets an app of its own
    ("assets", "sync"),
    ("db", "upgrade"),
    ("plan", "load", "liaocheng-2023"),
    ("demo", "seed"),
)


def run(words: tuple[str, ...]) -> int:
    """The exit code of `flask …`; what it says has been said."""
    try:
        FlaskGroup(create_app=create_app, load_dotenv=False).main(args=list(words), prog_name="flask")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 - shown whole; the sentence after it says what is safe
        traceback.print_exc()
        return 1
    return 0


def main() -> int:
    """0, or the code of the first step that failed."""
    for words in STEPS:
        code = run(words)
        if code:
            print(f"“flask {' '.join(words)}”没有成功，没有启动。上面是原因；已有的数据没有动。", file=sys.stderr)
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
