"""What a package is made of: its crates and npm packages, as a CycloneDX document (https://cyclonedx.org)."""
