"""交流活动: meetings, reading circles, markets, pairings between villages, communities and units."""

from app.activities.kinds.shape import BRIEF, MEDIA, NOTICE, PHOTOS, SHEET, Described, DetailField, Kind, joined


def _read(activity: Described) -> str:
    d = activity.details
    return joined(d.get("theme"), "、".join(d.get("places", [])), d.get("partner_region"))


KIND = Kind(
    key="exchange",
    position=1,
    label="交流活动",
    blurb="联谊、读书会、市集、结对",
    icon="k-exchange",
    default_task=7,
    related_tasks=(9,),
    details=(
        DetailField("theme", "主题"),
        # Places and units only: who comes from which people is never asked.
        DetailField("places", "参加的社区、村或单位", "lines", hint="一行一个"),
        DetailField("partner_region", "对口或结对地区", hint="写到市、县"),
    ),
    slots=(PHOTOS, NOTICE, BRIEF, SHEET, MEDIA),
    counts=("pairs",),
    read=_read,
)
