"""The lifecycle room as a Django app."""

from django.apps import AppConfig


class LifecycleConfig(AppConfig):
    name = "portal.lifecycle"
    label = "lifecycle"

    def ready(self) -> None:
        from portal.delivery.letters import register
        from portal.lifecycle import reminding, saying_withdrawn

        register("reminder", reminding.build)
        register("withdrawn", saying_withdrawn.build)
