"""The checks of `cratematrix doctor`: what a build needs, before anything is spent.

`findings.py` is the model and the verdict; `local.py` and `e2b.py` check one backend each. Nothing is installed or
repaired here.
"""
