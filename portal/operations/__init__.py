"""Processes, health and the demo."""
