"""Addresses of the administrators' pages."""

from django.urls import path

from portal.console import acting, bulk, first, people, record, views, you
from portal.console.sections import HEALTH, MESSAGES, OVERVIEW, PEOPLE, RECORD

urlpatterns = [
    path("admin/", views.overview, name=OVERVIEW),
    path("admin/messages/", views.messages, name=MESSAGES),
    path("admin/messages/<uuid:id_>/", views.message, name="console-message"),
    path("admin/messages/<uuid:id_>/retry/", views.retry, name="console-retry"),
    path("admin/messages/bulk/", bulk.choose, name="bulk"),
    path("admin/messages/bulk/<uuid:id_>/", bulk.run, name="bulk-run"),
    path("admin/messages/bulk/<uuid:id_>/undo/", bulk.undo, name="bulk-undo"),
    path("admin/messages/<uuid:id_>/withdraw/", acting.withdraw, name="message-withdraw"),
    path("admin/messages/<uuid:id_>/undo/", acting.undo, name="message-undo"),
    path("admin/messages/<uuid:id_>/date/", acting.date, name="message-date"),
    path("admin/messages/<uuid:id_>/hold/", acting.hold, name="message-hold"),
    path("admin/messages/<uuid:id_>/resend/", acting.resend, name="message-resend"),
    path("admin/messages/<uuid:id_>/correct/", acting.correct, name="message-correct"),
    path("admin/health/", views.health, name=HEALTH),
    path("admin/record/", record.entries, name=RECORD),
    path("admin/record/check/", record.check, name="record-check"),
    path("admin/record/export/", record.export, name="record-export"),
    path("admin/record/head.txt", record.head, name="record-head"),
    path("admin/first/", first.first_run, name="first-run"),
    path("admin/first/password/", first.password, name="first-password"),
    path("admin/you/", you.you, name="you"),
    path("admin/you/sign-out/", you.sign_out_elsewhere, name="sign-out-elsewhere"),
    path("admin/you/passkeys/", you.add_passkey, name="add-passkey"),
    path("admin/you/passkeys/ask/", you.ask_to_add_passkey, name="ask-to-add-passkey"),
    path("admin/you/passkeys/<uuid:id_>/remove/", you.remove_passkey, name="remove-passkey"),
    path("admin/you/authenticator/", you.authenticator, name="office-authenticator"),
    path("admin/you/authenticator/picture", you.authenticator_picture, name="office-authenticator-picture"),
    path("admin/you/authenticator/renew/", you.renew_authenticator, name="office-authenticator-renew"),
    path("admin/people/", people.members, name=PEOPLE),
    path("admin/people/add/", people.add, name="person-add"),
    path("admin/people/<uuid:id_>/", people.change, name="person"),
    path("admin/people/<uuid:id_>/invite/", people.invite, name="person-invite"),
    path("admin/people/<uuid:id_>/remove/", people.remove, name="person-remove"),
]
