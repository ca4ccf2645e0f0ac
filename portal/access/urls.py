"""Addresses of the access room. Codes and typed addresses are never part of one."""

from __future__ import annotations

from django.urls import path

from portal.access import asking_sender, office, own, signed_in, staying, views

urlpatterns = [
    path("m/", views.find, name="find"),
    path("m/passcode/", views.find_passcode, name="find-passcode"),
    path("m/passcode/again/", views.find_again, name="find-again"),
    path("m/<str:link>/ask/", views.ask, name="ask"),
    path("m/<str:link>/passcode/", views.passcode, name="passcode"),
    path("m/<str:link>/request/", asking_sender.ask_sender, name="ask-sender"),
    path("settings/", own.settings, name="settings"),
    path("settings/devices/", signed_in.end, name="end-devices"),
    path("session/", staying.session, name="session"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("signed-out/", views.signed_out, name="signed-out"),
    path("admin/enter/", office.how_to_enter, name="how-to-enter"),
    path("admin/enter/<str:secret>", office.enter, name="enter"),
]
