"""The engine: what orchestrates a training run, and in ``xla`` the programs that it calls.

Between the two is one seam, ``program.py``; ``loop.py`` lists the stages of a run in order.
"""
