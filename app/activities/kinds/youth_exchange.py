"""青少年交流: practice, volunteering, hand in hand, summer camp."""

from app.activities.kinds.shape import BRIEF, MEDIA, NOTICE, PHOTOS, SHEET, Described, DetailField, Kind, joined

THEMES = ("社会实践", "志愿服务", "手拉手结对", "夏令营", "书信往来")


def _read(activity: Described) -> str:
    d = activity.details
    pairs = f"结对{activity.pairs}对" if activity.pairs else ""
    return joined(d.get("theme"), d.get("partner_school"), d.get("partner_region"), d.get("direction"), pairs)


KIND = Kind(
    key="youth_exchange",
    position=4,
    label="青少年交流",
    blurb="社会实践、手拉手、夏令营",
    icon="k-youth",
    default_task=7,
    related_tasks=(2,),
    details=(
        DetailField("theme", "主题", "choice", THEMES),
        DetailField("partner_school", "结对学校"),
        DetailField("partner_region", "结对地区", hint="写到市、县"),
        DetailField("direction", "往来", "choice", ("来访", "出访", "线上")),
    ),
    slots=(PHOTOS, NOTICE, BRIEF, SHEET, MEDIA),
    minors=True,
    publish=False,
    counts=("pairs", "classes"),
    read=_read,
)
