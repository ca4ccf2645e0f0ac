"""The api room as a Django app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "portal.api"
    label = "api"

    def ready(self) -> None:
        from portal.access import grants
        from portal.api.granted import KIND

        grants.register(KIND)
