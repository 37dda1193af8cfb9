"""Files on the host: directories opened without links, output directories, portable names, the cache, data files.

Files inside a sandbox belong to `generator.sandboxes`, and those of a git repository to `generator.sources`.
"""
