"""Who is at the door."""
