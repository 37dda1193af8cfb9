"""Packages as npm, yarn and pnpm install them: package.json, lock files, workspaces and the managers' programs.

Decisions alone: nothing here runs a manager.
"""
