"""Errors of the domain, and problems as values; no HTTP here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    BLOCKER = "blocker"  # 不可办理
    NEEDS_APPROVAL = "needs_approval"  # 需审批
    WARNING = "warning"  # 提醒


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of a rule: a stable code, and a sentence for people."""

    code: str
    message: str
    severity: Severity = Severity.BLOCKER
    field: str = ""


class DomainError(Exception):
    """A use case was refused. `code` is for programs, `message` for people (Chinese)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RuleBroken(DomainError):
    """A rule of the domain says no; carries every problem found."""

    def __init__(self, problems: list[Problem] | Problem) -> None:
        self.problems = problems if isinstance(problems, list) else [problems]
        first = self.problems[0]
        super().__init__(first.code, first.message)


class NotFound(DomainError):
    """No such object, or none that this actor may know of."""

    def __init__(self, message: str = "没有找到这一页要的内容。") -> None:
        super().__init__("not_found", message)


class NotPermitted(DomainError):
    """The actor's roles do not allow the action."""

    def __init__(self, message: str = "您的角色不能做这件事。") -> None:
        super().__init__("not_permitted", message)


class Conflict(DomainError):
    """Somebody else changed it first, or it is done already."""


class TooMany(DomainError):
    """Too many tries; `wait_seconds` says how long until the next one is read."""

    def __init__(self, code: str, message: str, wait_seconds: int) -> None:
        super().__init__(code, message)
        self.wait_seconds = wait_seconds


def blockers(problems: list[Problem]) -> list[Problem]:
    """Those problems that stop the act."""
    return [problem for problem in problems if problem.severity is Severity.BLOCKER]


def raise_if_blocked(problems: list[Problem]) -> None:
    """Raise RuleBroken when any problem is a blocker."""
    found = blockers(problems)
    if found:
        raise RuleBroken(found)
