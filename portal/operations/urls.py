"""The health page's address."""

from django.urls import path

from portal.operations import views

urlpatterns = [path("healthz", views.healthz, name="healthz")]
