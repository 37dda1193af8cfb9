"""The SBOM of a package: its crates and npm packages, as a CycloneDX document (https://cyclonedx.org).

The modules only read the output of cargo and npm: the build's steps run these tools. Reading goes through
`read_contents`, and `write_document` puts the result among the package's files.
"""
