"""The branding room as a Django app."""

from django.apps import AppConfig


class BrandingConfig(AppConfig):
    name = "branding"
    label = "branding"
