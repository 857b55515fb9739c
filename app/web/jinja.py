"""How templates are compiled and what every one of them may call: words, addresses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from flask import Flask, has_request_context, request
from flask.templating import Environment
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup

_WORDS = ("variable_begin", "name", "lparen", "string", "rparen", "variable_end")


@functools.lru_cache(maxsize=4096)
def _constant(text: str) -> Markup:
    return Markup(text) % {}  # noqa: S704 - what `_` says is markup, as in Jinja's own gettext


def gettext(text: str, /, **values: object) -> Markup:
    """`_` of the templates. The site speaks one language and has no catalogue to ask."""
    return Markup(text) % values if values else _constant(text)  # noqa: S704


def pure(macro: Any) -> Any:
    """A macro whose text depends on its arguments alone, rendered once for each of them."""
    return functools.lru_cache(maxsize=1024)(macro)


class Words(Extension):
    """`{{ _('报名') }}` becomes text of the template when it is compiled; half of what pages print is such words."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """The same tokens, with data in place of a printed constant."""
        held: list[Token] = []
        for token in stream:
            held.append(token)
            while held and not _begins(held):
                yield held.pop(0)
            if len(held) == len(_WORDS):
                yield Token(held[0].lineno, "data", str(_constant(held[3].value)))
                held.clear()
        yield from held


def _begins(held: list[Token]) -> bool:
    fits = all(token.type == kind for token, kind in zip(held, _WORDS, strict=False))
    return fits and (len(held) < 2 or held[1].value == "_")


class SiteEnvironment(Environment):
    """Flask's, without a chain of dictionaries around its globals: every import and include asks them."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The environment's own, unless a template is given more."""
        return self.globals if d is None else super().make_globals(d)


class Site(Flask):
    """Flask that remembers the addresses it made: a page names fifty, and most of them on every page.

    None of our functions is a coroutine, and it does not look at each of a dozen for every answer.
    """

    jinja_environment = SiteEnvironment

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept_address = functools.lru_cache(maxsize=4096)(self._address)

    def _address(self, _root: str, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
        return super().url_for(endpoint, **dict(values))

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func

    def url_for(self, endpoint: str, /, **values: Any) -> str:  # type: ignore[override]
        """As Flask's. What depends on the request besides the prefix of the site is not kept."""
        if endpoint.startswith(".") or not has_request_context():
            return super().url_for(endpoint, **values)
        return self._kept_address(request.script_root, endpoint, tuple(values.items()))


def register(app: Flask) -> None:
    """The words of templates, in place of Babel's."""
    app.jinja_env.add_extension(Words)
    app.jinja_env.globals.update(_=gettext, gettext=gettext, pure=pure)
