"""`manage.py doctor`: looks at everything that Letterlock leans on, and says what to do where something is amiss."""
