"""The operations room as a Django app."""

import os

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "portal.operations"
    label = "operations"

    def ready(self) -> None:
        """Every process that loads Letterlock, by whatever command, holds keys sooner or later."""
        from django.conf import settings

        from portal import spans
        from portal.delivery.letters import register
        from portal.later import later
        from portal.operations import hardening

        register("monthly", later("portal.operations.monthly.build"))

        if os.environ.get("LETTERLOCK_PART"):
            hardening.harden()
        else:
            hardening.no_memory_images()
        spans.switch_on(settings.LETTERLOCK.otlp_url)
