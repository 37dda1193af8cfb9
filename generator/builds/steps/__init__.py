"""The steps of an attempt, in the order that `attempt.py` shows.

A step takes values and returns values. It runs scripts through a `BuildSession`, which adds to the attempt's record;
the scripts themselves are in `generator.recipes`.
"""
