"""A browser as its owner knows it, like "Safari on iPhone", from what it says of itself (RFC 9110 section 10.1.5).

Names come from the lists below alone: nothing that a stranger writes into a header reaches a page. The first word that
is found counts, for browsers name those that they want to be taken for as well.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

LONGEST = 1000
"""Characters that are looked at."""
BROWSERS = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("GSA/", "Google app"),
    ("FxiOS/", "Firefox"),
    ("Focus/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "Chromebook"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
)


def named(user_agent: str) -> str:
    """The name of a browser by its User-Agent, at most 60 characters; "" when nothing in it is known."""
    said = user_agent[:LONGEST]
    browser, system = _first(BROWSERS, said), _first(SYSTEMS, said)
    if browser and system:
        return _("{browser} on {system}").format(browser=browser, system=system)
    return browser or system


SORTS = (
    ("tablet", ("iPad", "Tablet")),
    ("phone", ("iPhone", "Mobile")),
    ("tablet", ("Android",)),
    ("computer", ("Windows", "Macintosh", "CrOS", "Linux", "FreeBSD")),
)
""""Mobile" is what Android puts into the header of phones alone; an iPad says it too, so it is asked for first."""


def sort_of(user_agent: str) -> str:
    """`phone`, `tablet`, `computer` or `other`: all that is counted of a browser. An iPad that calls itself a Mac is
    one here too."""
    said = user_agent[:LONGEST]
    return next((sort for sort, words in SORTS if any(word in said for word in words)), "other")


def _first(names: tuple[tuple[str, str], ...], said: str) -> str:
    return next((name for word, name in names if word in said), "")
