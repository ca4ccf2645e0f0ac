"""The writing room as a Django app."""

from django.apps import AppConfig


class WritingConfig(AppConfig):
    name = "portal.writing"
    label = "writing"
