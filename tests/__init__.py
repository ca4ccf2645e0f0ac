"""Tests, room by room; journeys and promises beside them."""
