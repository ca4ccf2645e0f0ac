"""The branding room as a Django app."""

from django.apps import AppConfig


class BrandingConfig(AppConfig):
    name = "branding"
    label = "branding"

    def ready(self) -> None:
        from branding.granted import KIND
        from portal.access import grants

        grants.register(KIND)
