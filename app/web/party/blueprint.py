"""The blueprint that the screens of parties share."""

from flask import Blueprint

bp = Blueprint("party", __name__)
