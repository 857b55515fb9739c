"""Which questions a registration form may not ask; the words are data (wording.toml). Pure but for reading that file."""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("wording.toml")
_BETWEEN = re.compile(r"[\W_]+")
_LETTERS = re.compile(r"[a-z]+")
# Letters and digits that stand for others when somebody wants to get past a list.
_LOOKALIKE = str.maketrans({"0": "o", "1": "i", "3": "e", "5": "s", "@": "a", "$": "s", "ü": "u", "ǖ": "u"})


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that is never asked. `reason` is a sentence for the organizer."""

    reason: str
    words: tuple[str, ...]
    latin: frozenset[str]
    may: tuple[str, ...]


@functools.cache
def subjects() -> tuple[Subject, ...]:
    """The list, read once."""
    data = tomllib.loads(SOURCE.read_text("utf-8"))
    return tuple(
        Subject(
            row["reason"], tuple(fold(word) for word in row["words"]), frozenset([*row["pinyin"], *row["english"]]),
            tuple(fold(phrase) for phrase in row["may"]),
        )
        for row in data["subject"]
    )  # fmt: skip


def fold(text: str) -> str:
    """Small letters of ordinary width without marks, blanks and punctuation: 民 族, 民·族 and ＭＩＮ　ＺＵ lose their disguise."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text)).lower()
    kept = "".join(char for char in plain if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")
    return _BETWEEN.sub("", kept)


def refused_reason(*texts: str) -> str:
    """Why these texts (a wording and its options) may not be asked, or empty."""
    for text in texts:
        folded = fold(text)
        latin = _latin_words(text)
        for subject in subjects():
            left = folded
            for phrase in subject.may:
                left = left.replace(phrase, "")
            if any(word in left for word in subject.words) or latin & subject.latin:
                return subject.reason
    return ""


def _latin_words(text: str) -> set[str]:
    """Words in Latin letters, and runs of them joined: “min zu” is minzu, “m-i-n-z-u” too."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text)).lower()
    plain = "".join(char for char in plain if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")
    words = _LETTERS.findall(plain)
    disguised = _LETTERS.findall(plain.translate(_LOOKALIKE))
    found = {*words, *disguised}
    for run in (words, disguised):
        for size in range(2, 9):
            found.update("".join(run[start : start + size]) for start in range(len(run) - size + 1))
    return found
