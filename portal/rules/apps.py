"""The rules room as a Django app."""

from django.apps import AppConfig


class RulesConfig(AppConfig):
    name = "portal.rules"
    label = "rules"

    def ready(self) -> None:
        from portal.access import grants
        from portal.rules.granted import KIND

        grants.register(KIND)
