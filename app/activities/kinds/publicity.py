"""宣传活动: stage, bus line, screen, stall, media. Riders and viewers are 估计覆盖, never 人次."""

from app.activities.kinds.shape import BRIEF, NOTICE, PHOTOS, SHEET, Described, DetailField, Kind, Slot, joined

CHANNELS = ("舞台演出", "公交线路", "电子屏", "街头摊位", "新闻媒体", "入户入校")


def _read(activity: Described) -> str:
    d = activity.details
    handed = f"发放{d['materials']}份" if d.get("materials") else ""
    reach = f"估计覆盖{activity.reach}人" if activity.reach else ""
    return joined(d.get("channel"), handed, reach)


KIND = Kind(
    key="publicity",
    position=2,
    label="宣传活动",
    blurb="舞台、公交、大屏、摊位、媒体",
    icon="k-publicity",
    default_task=4,
    related_tasks=(11,),
    details=(
        DetailField("channel", "宣传方式", "choice", CHANNELS),
        DetailField("materials", "发放材料（份）", "number"),
        DetailField("bus_lines", "公交线路", "lines", hint="一行一条"),
        DetailField("media_links", "媒体报道链接", "lines", hint="一行一条网址，同一条只计一次；不是网址的不计"),
    ),
    slots=(PHOTOS, NOTICE, BRIEF, SHEET, Slot("media", "媒体链接", "link", False, 0, 20)),
    allows_zero=True,
    counts=("reach",),
    read=_read,
)
