"""The forms of a page as a browser sees them, and what a bad or unlucky browser sends with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote_from_bytes

# Each is sent in every field of every form. Bytes are sent as they are: no browser, but anybody can.
TEXTS: dict[str, str | bytes] = {
    "empty": "",
    "too long": "长" * 6000,
    "four-byte hanzi": "𠮷野𬌗",
    "formula": "=1+1",
    "NUL": "示例\x00示例",
    "lone surrogate": b"\xed\xa0\x80",
    "broken UTF-8": b"\xff\xfe",
    "markup": "<script>alert(1)</script>\u202e",
    "huge number": "9" * 400,
    "beyond an integer": "9223372036854775808",
    "negative": "-1",
    "superscript": "²",
    "word for a number": "abc",
    "no such day": "2026-02-30",
    "first day": "0001-01-01",
    "last day": "9999-12-31",
    "absent code": "zzzzzzzzzzzz",
}
# Where the page offers a choice, these stand for all others.
CHOICES = ("empty", "too long", "NUL", "lone surrogate", "huge number", "absent code")


@dataclass
class Form:
    """One POST form: where it goes, its fields as filled, the fields that one chooses and those that hold a file."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    chosen: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    typed: set[str] = field(default_factory=set)  # where one writes words

    def filled(self) -> Form:
        """The same with a word in every empty text, so that losing it is noticed."""
        values = {k: v or ("示例留住" if k in self.typed else v) for k, v in self.values.items()}
        return Form(self.action, values, self.chosen, self.files, self.typed)

    def bad(self) -> list[tuple[str, str, bytes]]:
        """Field, what is wrong, and the body that says so; each field missing altogether as well."""
        found = []
        for name in self.values:
            if name == "csrf_token":
                continue
            found.append((name, "missing", encode({k: v for k, v in self.values.items() if k != name})))
            for what in CHOICES if name in self.chosen else TEXTS:
                found.append((name, what, encode({**self.values, name: TEXTS[what]})))
        return found


def encode(values: dict[str, str] | dict[str, str | bytes]) -> bytes:
    """A form body; text as UTF-8, bytes untouched."""
    raw = {name: value.encode() if isinstance(value, str) else value for name, value in values.items()}
    return "&".join(
        f"{quote_from_bytes(name.encode())}={quote_from_bytes(value)}" for name, value in raw.items()
    ).encode()


class FormParser(HTMLParser):
    """Collects the POST forms of a page; buttons with `formaction` are forms of their own."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address.partition("#")[0]
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            is_post = given.get("method", "").lower() == "post"
            self._form = Form((given.get("action") or self.address).partition("#")[0]) if is_post else None
            if self._form:
                self.forms.append(self._form)
        elif self._form is not None:
            self._inside(tag, given, self._form)

    def _inside(self, tag: str, given: dict[str, str], form: Form) -> None:
        name = given.get("name", "")
        if tag == "input" and name:
            self._input(given, name, form)
        elif tag == "button" and given.get("formaction"):
            self.forms.append(Form(given["formaction"], form.values, form.chosen, form.files, form.typed))
        elif tag == "button" and name and name not in form.values:
            form.values[name] = given.get("value", "")
            form.chosen.add(name)
        elif tag == "select":
            self._select = name
            form.values[name] = ""
            form.chosen.add(name)
        elif tag == "option" and self._select and ("selected" in given or not form.values[self._select]):
            form.values[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._area = name
            form.values[name] = ""
            form.typed.add(name)

    def _input(self, given: dict[str, str], name: str, form: Form) -> None:
        kind = given.get("type", "text")
        if kind == "file":
            form.files.add(name)
        elif kind in ("radio", "checkbox"):
            form.chosen.add(name)
            if "checked" in given or name not in form.values:
                form.values[name] = given.get("value", "on")
        else:
            form.values[name] = given.get("value", "")
            if kind == "text" and "inputmode" not in given and "readonly" not in given:
                form.typed.add(name)

    def handle_data(self, data: str) -> None:
        if self._area and self._form is not None:
            self._form.values[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def forms_of(page: str, address: str) -> list[Form]:
    parser = FormParser(address)
    parser.feed(page)
    return parser.forms
