"""文体活动: performance, contest, traditional sports."""

from app.activities.kinds.shape import BRIEF, MEDIA, NOTICE, PHOTOS, SHEET, Described, DetailField, Kind, joined


def _read(activity: Described) -> str:
    d = activity.details
    teams = f"{d['teams']}支队伍" if d.get("teams") else ""
    return joined(d.get("form"), d.get("events"), teams)


KIND = Kind(
    key="culture_sport",
    position=5,
    label="文体活动",
    blurb="演出、比赛、传统体育",
    icon="k-sport",
    default_task=10,
    related_tasks=(7, 9),
    details=(
        DetailField("form", "形式", "choice", ("演出", "比赛", "传统体育", "体验")),
        DetailField("events", "项目", hint="如“毽球、陀螺”"),
        DetailField("teams", "队伍数", "number"),
    ),
    slots=(PHOTOS, NOTICE, BRIEF, SHEET, MEDIA),
    read=_read,
)
