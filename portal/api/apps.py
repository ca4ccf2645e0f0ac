"""The api room as a Django app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "portal.api"
    label = "api"

    def ready(self) -> None:
        from portal.access import grants
        from portal.api.granted import KIND
        from portal.later import later
        from portal.operations import tidying

        grants.register(KIND)
        tidying.register(later("portal.api.telling.tidy"))
        tidying.register(later("portal.api.handing.tidy"))
