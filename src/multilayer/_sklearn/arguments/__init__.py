"""What a constructor is called with: checks, and what the arguments stand for."""
