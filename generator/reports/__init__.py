"""The report of a run: its models, costs, merging, and its forms as a table, Markdown and annotations.

`generator.builds` writes reports, and `generator.console` prints.
"""
