"""The rules room as a Django app."""

from django.apps import AppConfig


class RulesConfig(AppConfig):
    name = "portal.rules"
    label = "rules"
