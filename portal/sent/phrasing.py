"""What cannot be done, and the rights of a message, in words for its sender."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _lazy

from portal.lifecycle import errors
from portal.lifecycle.actors import Why
from portal.lifecycle.asking_errors import NothingAsked
from portal.lifecycle.errors import LifecycleError
from portal.sent.allowing import RuleForbids, TooLargeHere
from portal.vault.rights import GRANTS, Rights

AWAY = _lazy("Nothing was changed, because our keys cannot be reached right now. Try again in a few minutes.")

_SENTENCES: Mapping[type[LifecycleError], Promise] = {
    errors.AlreadyDestroyed: _lazy("This message is not stored any more. If someone needs it, send it again."),
    errors.NotWithdrawn: _lazy("This is not withdrawn. There is nothing to undo."),
    errors.Withdrawn: _lazy("This message is withdrawn. Undo that first, then change its date."),
    errors.DateIsPast: _lazy("This date is over. Choose today or a later day; to close it now, withdraw it."),
    errors.BadDate: _lazy("Enter the last day, like 2026-12-17."),
    errors.DateTooFar: _lazy("The last day can be at most two years from today."),
    errors.CannotResend: _lazy(
        "This message cannot be sent on from here: what opens it, or the message itself, went only with the first "
        "mail. Send it again from your mailbox."
    ),
    errors.ClosedNow: _lazy("This message is closed. Change its date, or undo the withdrawal, first."),
    errors.ResentLately: _lazy("The mail was sent again within the last five minutes. Wait a little."),
    errors.BadReaderAddress: _lazy("That is not a complete address. Enter one like ada@example.org."),
    errors.AlreadyReader: _lazy("This message was sent to that address already. Send that person the mail again."),
    errors.ChangedMeanwhile: _lazy("Somebody changed the date meanwhile. Look at it, and choose again."),
    errors.NothingToChange: _lazy("It is so already. Nothing was changed."),
    errors.TooManyReaders: _lazy("This message has as many recipients as one may have. Send another message."),
    NothingAsked: _lazy("This was answered already."),
    RuleForbids: _lazy(
        "A rule of your organisation does not let this message go to that address. Ask whoever looks after your email."
    ),
    TooLargeHere: _lazy("This message is too large to be sent on from here. Send it again from your mailbox."),
    errors.TemplateForbids: _lazy("The rights that this message was sent with do not allow that."),
}


def sentence(refused: LifecycleError) -> str:
    """Why something was refused, and what to do next."""
    said = _SENTENCES.get(type(refused))
    return str(said) if said is not None else str(_lazy("That is not possible for this message."))


REASONS: tuple[tuple[Why, Promise], ...] = (
    (Why.WRONG_PERSON, _lazy("It went to the wrong person")),
    (Why.WRONG_CONTENT, _lazy("A wrong file or a mistake in the text")),
    (Why.RECIPIENT, _lazy("The recipient asked for it")),
    (Why.MAILBOX, _lazy("A mailbox may be in other hands")),
    (Why.OTHER, _lazy("Another reason")),
)
"""Those of the fixed list that a sender may have."""


def reason(value: str) -> Why | None:
    """The reason that was chosen; None without one of the list."""
    return next((why for why, _words in REASONS if why.value == value), None)


RIGHTS: Mapping[str, tuple[Promise, Promise]] = {
    "reply": (_lazy("They can reply."), _lazy("They cannot reply.")),
    "reply_all": (_lazy("They can reply to all."), _lazy("They cannot reply to all.")),
    "forward": (_lazy("They can forward it."), _lazy("They cannot forward it.")),
    "copy": (_lazy("They can copy its text."), _lazy("They cannot copy its text.")),
    "print": (_lazy("They can print it."), _lazy("They cannot print it.")),
    "download": (_lazy("They can download its files."), _lazy("They cannot download its files.")),
}
OFF: Mapping[str, Promise] = {
    "download": _lazy("Downloading"),
    "print": _lazy("Printing"),
    "copy": _lazy("Copying"),
    "forward": _lazy("Forwarding"),
    "reply_all": _lazy("Replying to all"),
    "reply": _lazy("Replying"),
}
"""What can be turned off, in the order in which it is offered."""


def of_rights(rights: Rights) -> list[str]:
    """What recipients may do, a sentence each."""
    said = [str(RIGHTS[name][0 if getattr(rights, name) else 1]) for name in GRANTS]
    return [*said, str(_lazy("Pictures of files and prints carry their address."))] if rights.watermark else said
