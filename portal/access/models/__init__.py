"""The rows of the access room, by subject. Django finds them by this module."""

from __future__ import annotations

from portal.access import credentials  # the passkeys' rows, which have a module of their own
from portal.access.models.challenges import GUESSES, LIFE, LONGEST, Challenge
from portal.access.models.counts import Asked, CeilingReached, Failed, TrustedBrowser
from portal.access.models.factors import Authenticator, RecoveryCode, WrongFactor
from portal.access.models.people import NOBODY, EntryLink, Person
from portal.access.models.requests import AskedSender
from portal.access.models.senders import Delegation, Opening, SenderDefaults
from portal.access.models.sessions import ProvedPhrase, Session
from portal.access.models.sign_ins import Provider, SignIn

__all__ = [
    "GUESSES",
    "LIFE",
    "LONGEST",
    "NOBODY",
    "Asked",
    "AskedSender",
    "Authenticator",
    "CeilingReached",
    "Challenge",
    "Delegation",
    "EntryLink",
    "Failed",
    "Opening",
    "Person",
    "ProvedPhrase",
    "Provider",
    "RecoveryCode",
    "SenderDefaults",
    "Session",
    "SignIn",
    "TrustedBrowser",
    "WrongFactor",
    "credentials",
]
