"""The fleet's page: one HTML file with all that a report says, for people.

`values` decides what is shown, `timeline` where the bars of a run lie, and `rendering` makes the file. The template,
the styles and the script lie in templates/report. Nothing here reads files or the environment.
"""
