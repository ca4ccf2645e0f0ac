"""The access room as a Django app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "portal.access"
    label = "access"

    def ready(self) -> None:
        from portal.access import alarms, language, sender_requests, ways
        from portal.access.alerts import alert
        from portal.access.invitations import invitation
        from portal.access.letters import passcode
        from portal.delivery import tongue
        from portal.delivery.letters import register
        from portal.delivery.notices import register_asks

        register("passcode", passcode)
        register("invitation", invitation)
        for kind in ("passkey", "kept"):
            register(kind, alert)
        register("alarm", alarms.build)
        register("request", sender_requests.build)
        register_asks(ways.asks_for)
        tongue.register(language.of_reader)
