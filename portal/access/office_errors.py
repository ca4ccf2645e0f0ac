"""What can stand between an administrator and the office, each with the sentence that the page shows."""

from __future__ import annotations

from django.utils.translation import gettext as _

from portal.access.errors import AccessError


class OfficeRefused(AccessError):
    """Something that cannot be done with the list of administrators."""


class AlreadyAdministrator(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("This address is an administrator’s already. Give another, or change its role under People.")


class NotAnAdministrator(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("This person is no administrator any more. Load the list again.")


class NotLetIn(OfficeRefused):
    """One sentence for every reason: which part was wrong, or whether a budget is spent, is nobody's business."""

    @property
    def sentence(self) -> str:
        return _("That did not let you in. Check what you typed; after many tries, wait an hour.")


class PasswordClosed(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("Passwords are not used here any more. Sign in with a passkey or with your organisation’s account.")


class PasswordTooShort(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("Use at least 12 characters. Four words that do not belong together are easy to remember.")


class PasswordTooLong(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("Use at most 200 characters.")


class PasswordTooCommon(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("That password is among the first that are tried. Choose another.")


class LastOwner(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("There must be one owner. Make someone else an owner first.")
