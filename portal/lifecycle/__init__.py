"""What happens to a message later: withdrawn, its date changed, held, destroyed when due."""
