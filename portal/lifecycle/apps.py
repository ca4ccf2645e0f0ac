"""The lifecycle room as a Django app."""

from django.apps import AppConfig


class LifecycleConfig(AppConfig):
    name = "portal.lifecycle"
    label = "lifecycle"

    def ready(self) -> None:
        from portal.delivery.letters import register
        from portal.lifecycle import asking_mails, reminding, saying_corrected, saying_withdrawn

        register("reminder", reminding.build)
        register("more_time", asking_mails.build_request)
        register("reopened", asking_mails.build_reopened)
        register("corrected", saying_corrected.build)
        register("withdrawn", saying_withdrawn.build)
