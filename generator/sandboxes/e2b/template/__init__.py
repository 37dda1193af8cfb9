"""E2B template: the definition, Dockerfile, name and tag of the image, and its build and checks through the SDK.

Sandboxes start from the image. The choice of an image's size for a crate is elsewhere.
"""
