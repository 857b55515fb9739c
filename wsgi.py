"""Makes the app for the server; nothing else."""

from app import create_app

app = create_app()
