"""Files and log lines that GitHub's runner reads: step outputs, step summaries, annotations, groups and masks.

The package formats and escapes; `generator.console` prints. Workflows are in `generator.workflows`.
"""
