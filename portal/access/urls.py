"""Addresses of the access room. Codes and typed addresses are never part of one."""

from __future__ import annotations

from django.urls import path

from portal.access import office, own, sign_in, views

urlpatterns = [
    path("m/", views.find, name="find"),
    path("m/passcode/", views.find_passcode, name="find-passcode"),
    path("m/passcode/again/", views.find_again, name="find-again"),
    path("m/<str:link>/ask/", views.ask, name="ask"),
    path("m/<str:link>/passcode/", views.passcode, name="passcode"),
    path("settings/", own.settings, name="settings"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("signed-out/", views.signed_out, name="signed-out"),
    path("m/<str:link>/sign-in/<slug:slug>/", sign_in.begin, name="sign-in"),
    path("sign-in/over/", sign_in.over, name="sign-in-over"),
    path("sign-in/<slug:slug>/back/", sign_in.back, name="sign-in-back"),
    path("admin/enter/", office.how_to_enter, name="how-to-enter"),
    path("admin/enter/<str:secret>", office.enter, name="enter"),
]
