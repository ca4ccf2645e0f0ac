"""Sealed storage."""
