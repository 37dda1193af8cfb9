"""The terminal: data on stdout, messages on stderr, tables, and the progress of a build.

All text passes the redactor of secrets, and no untrusted text can control the terminal. Other modules return text and
do not print. The package has nothing on what to print: see `generator.reports` and the `table` modules.
"""
