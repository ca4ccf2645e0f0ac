"""The ingest room as a Django app."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "portal.ingest"
    label = "ingest"
