"""Columns that this product never takes in (domain.md: not a list of people by ethnicity or belief). Pure."""

from __future__ import annotations

import re
import unicodedata

# Matched anywhere in a heading once blanks, marks and full width are gone.
_NEVER = (
    "民族", "族别", "族籍", "少数民族", "宗教", "信仰", "教派", "身份证", "证件号", "公民身份", "籍贯", "户籍", "户口", "出生地",
    "祖籍", "政治面貌", "血型", "护照", "ethnic", "minzu", "zongjiao", "xinyang", "religion", "faith", "belief", "shenfenzheng",
    "idcard", "idnumber", "identitynumber", "passport", "jiguan", "huji", "nativeplace", "birthplace", "nationality",
)  # fmt: skip
# "民族团结" names our subject, not a person's descent.
_OUR_SUBJECT = ("民族团结", "民族政策", "民族工作", "民族交往")


def plain(heading: str) -> str:
    """The heading as it is compared: half width, lower case, letters and digits only."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", heading)).lower()


def is_refused(heading: str) -> bool:
    """Whether a column with this heading has to be dropped unread."""
    text = plain(heading)
    for allowed in _OUR_SUBJECT:
        text = text.replace(allowed, "")
    return any(word in text for word in _NEVER)
