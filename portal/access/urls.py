"""Addresses of the access room. Codes and typed addresses are never part of one."""

from __future__ import annotations

from django.urls import path

from portal.access import (
    authenticator_settings,
    more,
    office,
    office_provider,
    own,
    passkey_door,
    passkey_settings,
    sign_in,
    views,
)

urlpatterns = [
    path("m/", views.find, name="find"),
    path("m/passcode/", views.find_passcode, name="find-passcode"),
    path("m/passcode/again/", views.find_again, name="find-again"),
    path("m/passkey/", passkey_door.at_inbox, name="find-by-passkey"),
    path("m/<str:link>/ask/", views.ask, name="ask"),
    path("m/<str:link>/passcode/", views.passcode, name="passcode"),
    path("m/<str:link>/passkey/", passkey_door.at_message, name="passkey"),
    path("passkey/ask/", passkey_door.ask, name="passkey-ask"),
    path("m/<str:link>/factor/", more.factor, name="factor"),
    path("m/<str:link>/phrase/", more.phrase, name="phrase"),
    path("settings/authenticator/", authenticator_settings.begin, name="authenticator"),
    path("settings/authenticator/picture", authenticator_settings.picture, name="authenticator-picture"),
    path("settings/authenticator/confirm/", authenticator_settings.confirm, name="authenticator-confirm"),
    path("settings/authenticator/remove/", authenticator_settings.remove, name="authenticator-remove"),
    path("settings/", own.settings, name="settings"),
    path("settings/confirm/", passkey_settings.confirm, name="confirm-again"),
    path("settings/confirm/passcode/", passkey_settings.confirm_passcode, name="confirm-again-passcode"),
    path("settings/passkeys/", passkey_settings.add, name="passkey-add"),
    path("settings/passkeys/ask/", passkey_settings.ask, name="passkey-add-ask"),
    path("settings/passkeys/offer/", passkey_settings.answer_offer, name="passkey-offer"),
    path("settings/passkeys/<uuid:number>/rename/", passkey_settings.rename, name="passkey-rename"),
    path("settings/passkeys/<uuid:number>/remove/", passkey_settings.remove, name="passkey-remove"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("signed-out/", views.signed_out, name="signed-out"),
    path("m/<str:link>/sign-in/<slug:slug>/", sign_in.begin, name="sign-in"),
    path("sign-in/over/", sign_in.over, name="sign-in-over"),
    path("sign-in/<slug:slug>/back/", sign_in.back, name="sign-in-back"),
    path("admin/enter/", office.how_to_enter, name="how-to-enter"),
    path("admin/enter/password/", office.password, name="enter-password"),
    path("admin/enter/code/", office.code, name="enter-code"),
    path("admin/enter/passkey/", office.passkey, name="enter-passkey"),
    path("admin/enter/passkey/ask/", office.ask_passkey, name="enter-passkey-ask"),
    path("admin/enter/with/<slug:slug>/", office_provider.begin, name="enter-provider"),
    path("admin/enter/<str:secret>", office.enter, name="enter"),
]
