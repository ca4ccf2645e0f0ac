"""Addresses of the HTTP API."""

from django.urls import path

from portal.api import views

urlpatterns = [path("api/v1/messages", views.messages, name="api-messages")]
