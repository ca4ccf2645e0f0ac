"""The lifecycle room as a Django app."""

from django.apps import AppConfig


class LifecycleConfig(AppConfig):
    name = "portal.lifecycle"
    label = "lifecycle"

    def ready(self) -> None:
        from portal.delivery.letters import register
        from portal.later import later

        register("reminder", later("portal.lifecycle.reminding.build"))
        register("more_time", later("portal.lifecycle.asking_mails.build_request"))
        register("reopened", later("portal.lifecycle.asking_mails.build_reopened"))
        register("corrected", later("portal.lifecycle.saying_corrected.build"))
        register("withdrawn", later("portal.lifecycle.saying_withdrawn.build"))
