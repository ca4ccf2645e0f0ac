"""Addresses of the administrators' pages."""

from django.urls import path

from portal.console import people, views
from portal.console.sections import HEALTH, MESSAGES, OVERVIEW, PEOPLE

urlpatterns = [
    path("admin/", views.overview, name=OVERVIEW),
    path("admin/messages/", views.messages, name=MESSAGES),
    path("admin/messages/<uuid:id_>/", views.message, name="console-message"),
    path("admin/messages/<uuid:id_>/retry/", views.retry, name="console-retry"),
    path("admin/health/", views.health, name=HEALTH),
    path("admin/people/", people.members, name=PEOPLE),
    path("admin/people/add/", people.add, name="person-add"),
    path("admin/people/<uuid:id_>/", people.change, name="person"),
    path("admin/people/<uuid:id_>/invite/", people.invite, name="person-invite"),
    path("admin/people/<uuid:id_>/remove/", people.remove, name="person-remove"),
]
