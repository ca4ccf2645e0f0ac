"""Template tags of the look and the words."""
