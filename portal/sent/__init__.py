"""What a sender sees of what they sent, and what they may still do to it (S2 to S5)."""
