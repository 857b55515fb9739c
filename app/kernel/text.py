"""Text as people type it: NFC, full-width digits, phone numbers, spaces."""

from __future__ import annotations

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")

_BLANKS = re.compile(r"\s+")
_IN_PHONES = re.compile(r"[\s\-－—()（）]")
_COUNTRY = re.compile(r"^(\+86|0086|86(?=1\d{10}$))")
_MOBILE = re.compile(r"1[3-9]\d{9}")


def clean(text: str) -> str:
    """NFC, without control and bidi-override characters, trimmed."""
    if text.isprintable():  # then none of them is in it, nor any white space but plain blanks
        return unicodedata.normalize("NFC", text).strip()
    return _CONTROL.sub("", unicodedata.normalize("NFC", text)).strip()


def one_line(text: str) -> str:
    """`clean`, with every run of white space as one blank."""
    cleaned = clean(text)
    if cleaned.isprintable() and "  " not in cleaned:
        return cleaned
    return _BLANKS.sub(" ", cleaned)


def ascii_digits(text: str) -> str:
    """Full-width letters and digits as ASCII; everything else stays."""
    if text.isascii():
        return text
    return "".join(unicodedata.normalize("NFKC", char) if "\uff01" <= char <= "\uff5e" else char for char in text)


def normalise_phone(text: str) -> str | None:
    """A mainland mobile number as 11 digits, or None.

    Understands full-width digits, blanks, hyphens and +86/0086.
    """
    if _MOBILE.fullmatch(text) and text.isascii():
        return text
    digits = _COUNTRY.sub("", _IN_PHONES.sub("", ascii_digits(clean(text))))
    return digits if _MOBILE.fullmatch(digits) else None


def normalise_code(text: str) -> str:
    """A typed ticket or venue code: upper-case ASCII without blanks and hyphens."""
    return re.sub(r"[\s\-－—·]", "", ascii_digits(clean(text))).upper()


def mask_name(name: str) -> str:
    """First character and stars, for lists outside the detail view."""
    return name[:1] + "＊" * min(2, max(1, len(name) - 1)) if name else ""
