"""The blueprint that the screens of this folder share, and its loader of accounts."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy import select

from app.extensions import db
from app.kernel.errors import NotFound
from app.organisation.models import User

bp = Blueprint("organisation", __name__)


def get_user(code: str) -> User:
    """An account by its code. Raises NotFound."""
    user = db.session.scalar(select(User).where(User.code == code))
    if user is None:
        raise NotFound("没有找到这个账号。")
    return user
