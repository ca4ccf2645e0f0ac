"""The access room as a Django app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "portal.access"
    label = "access"

    def ready(self) -> None:
        from portal.access import alarms, delegates, language, openings, receipts, sender_requests, senders, ways
        from portal.access.alerts import alert
        from portal.access.invitations import invitation
        from portal.access.letters import passcode
        from portal.delivery import telling, tongue
        from portal.delivery.letters import register
        from portal.delivery.notices import register_asks

        register("passcode", passcode)
        register("invitation", invitation)
        for kind in ("passkey", "kept"):
            register(kind, alert)
        register("alarm", alarms.build)
        register("request", sender_requests.build)
        register("opened", receipts.build)
        register("digest", openings.build)
        register("delegated", delegates.build)
        telling.register_page(senders.page_of)
        register_asks(ways.asks_for)
        tongue.register(language.of_reader)
