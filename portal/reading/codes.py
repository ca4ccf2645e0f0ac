"""The typed message code of a split message."""

from __future__ import annotations

from django.http import HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import shares, way_in
from portal.access.errors import TooManyTries
from portal.access.requests import Request
from portal.audit.record import record
from portal.keys.errors import KeyDestroyed
from portal.reading import admission
from portal.vault import readers
from portal.vault.errors import VaultError
from portal.vault.models import Reader


@require_http_methods(["GET", "HEAD", "POST"])
def code(request: Request, link: str) -> HttpResponseBase:
    """Takes the code that the page or its script posts; the browser keeps a right one."""
    reader = admission.proved(request, link, content=False)
    if not isinstance(reader, Reader):
        return reader
    response = HttpResponseRedirect(f"/m/{readers.link_of(reader)}", status=303)
    if request.method != "POST" or not reader.message.split:
        return response
    share = shares.posted(request)
    if not share:
        return admission.ask_share(
            request, reader, _("Enter the message code: 26 letters and digits. The letters i, l, o and u are not used.")
        )
    try:
        right = shares.try_share(request, reader, share)
    except TooManyTries as error:
        return way_in.too_many_tries(request, error, reader)
    except (KeyDestroyed, VaultError):
        return response  # the message's own page says what became of it
    if not right:
        record("recipient.code_refused", message=reader.message_id, reader=reader.id)
        return admission.ask_share(request, reader, admission.wrong_share())
    shares.keep(response, reader, share)
    return response
