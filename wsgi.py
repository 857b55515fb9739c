"""Makes the app for the server; nothing else."""

import sys

from app import create_app
from app.kernel.processors import OnOneProcessor

# A thread that holds the write lock gives up the interpreter at each statement; by default it then waits 5 ms
# behind a busy thread to go on, and all writers wait with it (docs/decisions/0009-short-turns.md).
sys.setswitchinterval(0.002)

app = create_app()
if app.extensions["settings"].one_processor_each:
    app.wsgi_app = OnOneProcessor(app.wsgi_app)  # type: ignore[assignment, method-assign]
