"""The sender's room as a Django app."""

from django.apps import AppConfig


class SentConfig(AppConfig):
    name = "portal.sent"
    label = "sent"
