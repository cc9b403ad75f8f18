"""What training minimises, and what validation counts."""
