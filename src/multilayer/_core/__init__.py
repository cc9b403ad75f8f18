"""What every other folder stands on: errors, argument checks, activation functions."""
