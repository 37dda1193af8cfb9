"""The script that fetches the npm packages which a wasm-bindgen crate imports."""

from __future__ import annotations

from typing import Final

from generator.dependencies.files import DependencyFiles
from generator.errors import Unbuildable
from generator.npm.files import join
from generator.npm.settings import safe_settings
from generator.recipes.job import BuildJob
from generator.recipes.npm_packages import MAX_SETTINGS, NPM_OPTIONS
from generator.sandboxes.layout import IMPORTED, NEEDED
from generator.scripts import script, with_arguments

# Ranges and tags, also under another name: no path, URL or repository. JavaScript reads it.
REGISTRY_VERSIONS: Final = r"^(npm:@?[^@:\s]+@?)?[\w.*^~<>=| +-]*$"


def imported_script(job: BuildJob, files: DependencyFiles) -> str:
    """Return the script that fetches the npm packages that the crate or a dependency imports. It runs nothing of them.

    Their names and versions are those in the package.json beside Cargo.toml, without which it does nothing. It runs
    behind `fetch_script`, in the same directory.
    """
    npmrc = join(job.source.directory, ".npmrc")
    settings = safe_settings(".npmrc", files.text(npmrc) or "")
    if len(settings) > MAX_SETTINGS:
        raise Unbuildable(f"the settings in {npmrc} are larger than {MAX_SETTINGS // 1024} KiB")
    return with_arguments(
        "fetch-imported.sh",
        job.directory,
        f"{job.root}/{NEEDED}",
        f"{job.root}/{IMPORTED}",
        script("imported-packages.js"),
        settings,
        REGISTRY_VERSIONS,
        NPM_OPTIONS,
    )
