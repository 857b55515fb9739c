"""非遗进校园: one heritage item, one school, some classes."""

from app.activities.kinds.shape import BRIEF, MEDIA, NOTICE, PHOTOS, SHEET, Described, DetailField, Kind, joined


def _read(activity: Described) -> str:
    d = activity.details
    classes = f"{activity.classes}个班" if activity.classes else ""
    return joined(d.get("form"), d.get("bearer"), d.get("grades"), classes)


KIND = Kind(
    key="heritage_visit",
    position=3,
    label="非遗进校园",
    blurb="一项非遗，一所学校，几个班",
    icon="k-heritage",
    default_task=10,
    related_tasks=(2,),
    details=(
        DetailField("bearer", "传承人或讲课人", hint="如“王老师”，不必写全名", most=20),
        DetailField("grades", "年级", hint="如“三、四年级”", most=30),
        DetailField("form", "形式", "choice", ("上课", "展演", "体验")),
    ),
    slots=(PHOTOS, NOTICE, BRIEF, SHEET, MEDIA),
    minors=True,
    publish=False,
    counts=("classes",),
    needs_school=True,
    needs_heritage=True,
    read=_read,
)
