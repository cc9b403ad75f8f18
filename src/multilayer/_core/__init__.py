"""What every other folder stands on: errors and argument checks."""
