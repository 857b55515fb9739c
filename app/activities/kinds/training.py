"""培训宣讲: by head-count only; staff are never made to check in."""

from app.activities.kinds.shape import BRIEF, MEDIA, NOTICE, SHEET, Described, DetailField, Kind, Slot, joined

FORMS = ("中心组学习", "专题培训", "宣讲", "主题班会", "部署会")


def _read(activity: Described) -> str:
    d = activity.details
    return joined(d.get("form"), d.get("subject"), d.get("speaker"), d.get("audience"))


KIND = Kind(
    key="training",
    position=6,
    label="培训宣讲",
    blurb="只记场次和人数",
    icon="k-training",
    default_task=1,
    related_tasks=(),
    details=(
        DetailField("form", "形式", "choice", FORMS),
        DetailField("subject", "内容"),
        DetailField("speaker", "主讲人", hint="如“区政工部讲师”", most=30),
        DetailField("audience", "听众", hint="如“各镇街干部”", most=30),
    ),
    slots=(Slot("photos", "活动照片", "photo", True, 1, 9), NOTICE, BRIEF, SHEET, MEDIA),
    individual=False,
    party=False,
    walk_in=False,
    count_only=True,
    counts=("classes",),
    read=_read,
)
