"""The engine: what orchestrates a training run, and in ``xla`` the programs that it calls.

Between the two is one seam, ``program.py``; ``loop.py`` names the stations of a run in order.
"""
