"""Training recipes for time to accuracy: one script per library, run as ``python -m recipes.NAME``.

Each takes the data folder and a seed, and prints one JSON line: epochs and test accuracy.
"""
