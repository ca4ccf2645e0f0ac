"""Addresses of a brand's stylesheet and mark."""

from django.urls import path

from branding import views

urlpatterns = [
    path("brand/<slug:slug>.<str:digest>.css", views.stylesheet, name="brand-css"),
    path("brand/<slug:slug>.<str:digest>.svg", views.mark, name="brand-mark"),
]
