"""The blueprint that the sign-in screens share."""

from flask import Blueprint

bp = Blueprint("checkin", __name__)
