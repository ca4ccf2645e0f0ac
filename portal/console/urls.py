"""Addresses of the administrators' pages."""

from django.urls import path

from portal.console import views
from portal.console.sections import HEALTH, MESSAGES, OVERVIEW

urlpatterns = [
    path("admin/", views.overview, name=OVERVIEW),
    path("admin/messages/", views.messages, name=MESSAGES),
    path("admin/messages/<uuid:id_>/", views.message, name="console-message"),
    path("admin/messages/<uuid:id_>/retry/", views.retry, name="console-retry"),
    path("admin/health/", views.health, name=HEALTH),
]
