"""What a sender sees of what they sent, and what they may still do to it (ux.md S2 to S5)."""
