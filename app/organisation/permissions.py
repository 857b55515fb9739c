"""The one permission table: which role may do what, and how far it reaches. Pure."""

from __future__ import annotations

from enum import StrEnum

from app.kernel.actor import Actor, Role


class Action(StrEnum):
    """Everything a role can be asked for. The label stands in ACTION_LABELS."""

    ACTIVITY_READ = "activity_read"
    ACTIVITY_EDIT = "activity_edit"
    ACTIVITY_LIST_PUBLICLY = "activity_list_publicly"
    PROGRAMME_EDIT = "programme_edit"
    ROSTER_READ = "roster_read"
    CHECK_IN = "check_in"
    EVIDENCE_EDIT = "evidence_edit"
    EVIDENCE_READ = "evidence_read"
    SUBMIT = "submit"
    REVIEW = "review"
    REOPEN = "reopen"
    NOTE_WRITE = "note_write"
    NOTE_DECIDE = "note_decide"
    ESTABLISHMENT_WRITE = "establishment_write"
    FEEDBACK_ANSWER = "feedback_answer"
    FIGURES_READ = "figures_read"
    LEDGER_EXPORT = "ledger_export"
    TARGET_SET = "target_set"
    ORGANISATION_MANAGE = "organisation_manage"
    AUDIT_READ = "audit_read"
    HEALTH_READ = "health_read"


ACTION_LABELS = {
    Action.ACTIVITY_READ: "看活动（不含名单）",
    Action.ACTIVITY_EDIT: "新建、修改、发布、取消活动",
    Action.ACTIVITY_LIST_PUBLICLY: "同意公开展示（先审后发）",
    Action.PROGRAMME_EDIT: "建系列活动",
    Action.ROSTER_READ: "看报名名单",
    Action.CHECK_IN: "现场签到、补录、撤销",
    Action.EVIDENCE_EDIT: "上传佐证材料",
    Action.EVIDENCE_READ: "看佐证材料",
    Action.SUBMIT: "提交审核",
    Action.REVIEW: "审核（不含本单位主办的）",
    Action.REOPEN: "退回重审",
    Action.NOTE_WRITE: "填报工作进展",
    Action.NOTE_DECIDE: "审核工作进展、建设项目",
    Action.ESTABLISHMENT_WRITE: "登记建设项目",
    Action.FEEDBACK_ANSWER: "回复投诉建议",
    Action.FIGURES_READ: "看总览和任务",
    Action.LEDGER_EXPORT: "导出台账",
    Action.TARGET_SET: "设置、停用本区目标",
    Action.ORGANISATION_MANAGE: "管理单位、账号、角色、审核顺序",
    Action.AUDIT_READ: "看审计日志、核验",
    Action.HEALTH_READ: "看运行状态",
}


class Scope(StrEnum):
    """UNIT: the unit of the grant and below. ALL: the whole district."""

    UNIT = "unit"
    ALL = "all"


_STAFF: dict[Action, Scope] = {
    Action.ACTIVITY_READ: Scope.UNIT,
    Action.ACTIVITY_EDIT: Scope.UNIT,
    Action.PROGRAMME_EDIT: Scope.UNIT,
    Action.ROSTER_READ: Scope.UNIT,
    Action.CHECK_IN: Scope.UNIT,
    Action.EVIDENCE_EDIT: Scope.UNIT,
    Action.EVIDENCE_READ: Scope.UNIT,
    Action.SUBMIT: Scope.UNIT,
    Action.NOTE_WRITE: Scope.UNIT,
    Action.ESTABLISHMENT_WRITE: Scope.UNIT,
    Action.FIGURES_READ: Scope.ALL,
    Action.LEDGER_EXPORT: Scope.UNIT,
}

PERMISSIONS: dict[Role, dict[Action, Scope]] = {
    Role.ORGANIZER: dict(_STAFF),
    Role.UNIT_MANAGER: {**_STAFF, Action.ACTIVITY_LIST_PUBLICLY: Scope.UNIT, Action.FEEDBACK_ANSWER: Scope.UNIT},
    # A reviewer reads evidence of the district, and no roster: names prove nothing.
    Role.REVIEWER: {
        Action.ACTIVITY_READ: Scope.ALL,
        Action.ACTIVITY_LIST_PUBLICLY: Scope.ALL,
        Action.EVIDENCE_READ: Scope.ALL,
        Action.REVIEW: Scope.ALL,
        Action.REOPEN: Scope.ALL,
        Action.NOTE_DECIDE: Scope.ALL,
        Action.FEEDBACK_ANSWER: Scope.ALL,
        Action.FIGURES_READ: Scope.ALL,
        Action.LEDGER_EXPORT: Scope.ALL,
    },
    Role.SECOND_READER: {
        Action.ACTIVITY_READ: Scope.ALL,
        Action.EVIDENCE_READ: Scope.ALL,
        Action.REVIEW: Scope.ALL,
        Action.REOPEN: Scope.ALL,  # of what this office may decide: four eyes in review.service
        Action.NOTE_DECIDE: Scope.ALL,
        Action.FIGURES_READ: Scope.ALL,
    },
    Role.AUDITOR: {Action.AUDIT_READ: Scope.ALL, Action.FIGURES_READ: Scope.ALL},
    Role.LEADER: {
        Action.ACTIVITY_READ: Scope.ALL,
        Action.EVIDENCE_READ: Scope.ALL,
        Action.FIGURES_READ: Scope.ALL,
        Action.LEDGER_EXPORT: Scope.ALL,
    },
    # Keeps the house, and sees neither rosters nor the log.
    Role.ADMINISTRATOR: {
        Action.TARGET_SET: Scope.ALL,
        Action.ORGANISATION_MANAGE: Scope.ALL,
        Action.FIGURES_READ: Scope.ALL,
        Action.HEALTH_READ: Scope.ALL,
    },
}


def may(actor: Actor, action: Action) -> bool:
    """Whether the actor may do this anywhere at all."""
    return any(action in PERMISSIONS[grant.role] for grant in actor.grants)


def may_at(actor: Actor, action: Action, unit_path: str) -> bool:
    """Whether the actor may do this to an object of the unit with this tree path."""
    for grant in actor.grants:
        scope = PERMISSIONS[grant.role].get(action)
        if scope is Scope.ALL or (scope is Scope.UNIT and unit_path.startswith(grant.path)):
            return True
    return False


def reach(actor: Actor, action: Action) -> list[str] | None:
    """Tree paths the actor may do this in; None means the whole district, [] nowhere."""
    paths = []
    for grant in actor.grants:
        scope = PERMISSIONS[grant.role].get(action)
        if scope is Scope.ALL:
            return None
        if scope is Scope.UNIT:
            paths.append(grant.path)
    return paths
