"""Network access while dependencies are fetched: rules by host and address, the proxy that applies them, registries.

The proxy runs on the host, outside of any sandbox. Backends start it and close it; nothing here knows a sandbox, and
what a source may depend on is decided in `generator.dependencies`.
"""
