"""基地参观研学: a visit to a registered base."""

from app.activities.kinds.shape import BRIEF, MEDIA, NOTICE, PHOTOS, SHEET, Described, DetailField, Kind, joined


def _read(activity: Described) -> str:
    d = activity.details
    return joined(d.get("base"), d.get("theme"))


KIND = Kind(
    key="base_visit",
    position=7,
    label="基地参观研学",
    blurb="到一处已登记的基地",
    icon="k-base",
    default_task=3,
    related_tasks=(2,),
    details=(DetailField("base", "基地", hint="与“建设项目”里的名称一致"), DetailField("theme", "主题")),
    slots=(PHOTOS, NOTICE, BRIEF, SHEET, MEDIA),
    counts=("classes",),
    read=_read,
)
