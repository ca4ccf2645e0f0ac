"""The page that a person was on when their session ended: they come back to it after the next proof.

In a cookie, not in the addresses of the pages between: every way of confirming has pages of its own, and a provider's
would have to carry it past another site.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.access import cookies
from portal.access.places import Place

COOKIE = f"{settings.COOKIE_PREFIX}back"
SECONDS = 3600
_AT_A_MESSAGE = re.compile(r"/m/[0-9a-z]{22}/[a-z0-9/-]{1,80}")
_ELSEWHERE = re.compile(r"/(?:inbox/\?page=\d{1,6}|settings/[a-z/]{0,40})")


def keep(
    request: HttpRequest, response: HttpResponseBase, place: Place, *, always: bool = False, page: str = ""
) -> None:
    """Remember the page that was asked for, or `page`, if the browser was signed in until its session was over.

    `always` where more is to be proved, by whoever is signed in.
    """
    if not (always or page or getattr(request, "session_ended", "")):
        return
    page = page or _asked_for(request, place)
    if _fits(page, place):
        cookies.write(response, COOKIE, page, SECONDS)


def _asked_for(request: HttpRequest, place: Place) -> str:
    if place.reader is None:
        return request.get_full_path()
    return place.goal_url + "".join(f"/{part}" for part in request.path.split("/")[3:])


def goal(request: HttpRequest, place: Place) -> str:
    """Where a proof leads: to the page that was kept, if it belongs to what was proved, else where the place says."""
    page = request.COOKIES.get(COOKIE, "")
    return page if _fits(page, place) else place.goal_url


def forget(request: HttpRequest, response: HttpResponseBase) -> None:
    """It served its turn."""
    if COOKIE in request.COOKIES:
        cookies.drop(response, COOKIE)


def _fits(page: str, place: Place) -> bool:
    if place.reader is None:
        return bool(_ELSEWHERE.fullmatch(page))
    return page.startswith(f"{place.goal_url}/") and bool(_AT_A_MESSAGE.fullmatch(page))
