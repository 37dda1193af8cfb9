"""The merged settings of a crate: its own ones in place of the fleet's."""

from __future__ import annotations

from typing import Never

from generator.manifest.crate_models import Crate
from generator.manifest.effects import BuildInput, Effect, NotAnInput
from generator.manifest.fleet_models import Fleet
from generator.manifest.models import Manifest
from generator.manifest.shared_settings import SharedSettings
from generator.manifest.values import DEFAULT_SIZE, Layout, NpmName, ScopedName, Size
from generator.platforms import PLATFORM_NAMES, PLATFORMS_OF_KIND, PlatformName


class Settings(SharedSettings[Never]):
    """The settings of one crate, merged.

    `platforms` and `required` have only platforms that its kind allows, `not_for_kind` the others, all three in the
    order of `PLATFORM_NAMES`. `platform_packages` is the name of platform packages up to the platform.
    """

    npm_name: BuildInput[NpmName]
    platform_packages: BuildInput[ScopedName]
    layout: BuildInput[Layout]
    # Nothing is built for these; they are in the plan with a reason.
    not_for_kind: NotAnInput[tuple[PlatformName, ...]]

    @property
    def first_size(self) -> Size:
        """The size of the first sandbox where no memory was measured."""
        return DEFAULT_SIZE if self.size == "auto" else self.size


def with_layout(manifest: Manifest, layout: Layout | None) -> Manifest:
    """Return the manifest with another layout of packages, or unchanged for None."""
    if layout is None:
        return manifest
    return manifest.model_copy(update={"fleet": manifest.fleet.model_copy(update={"layout": layout})})


def npm_name(fleet: Fleet, crate: Crate) -> str:
    """Return the npm name of a crate. A name made of scope and crate name may be invalid before the checks."""
    return crate.npm_name or f"{fleet.npm_scope}/{crate.name}"


def platform_packages(fleet: Fleet, crate: Crate) -> str:
    """Return the name of a crate's packages for one platform, without the platform. It always has a scope."""
    name = npm_name(fleet, crate)
    return crate.platform_packages or (name if name.startswith("@") else f"{fleet.npm_scope}/{name}")


def settings(fleet: Fleet, crate: Crate) -> Settings:
    """Merge the fleet's settings with the crate's."""
    own = {name: getattr(crate, name) for name in SharedSettings.model_fields}
    shared = {name: getattr(fleet, name) if value is None else value for name, value in own.items()}
    wanted, required, valid = shared["platforms"], shared["required"], PLATFORMS_OF_KIND[crate.kind]
    merged = {
        **shared,
        "platforms": tuple(name for name in PLATFORM_NAMES if name in wanted and name in valid),
        "required": tuple(name for name in PLATFORM_NAMES if name in required and name in wanted and name in valid),
        "npm_name": npm_name(fleet, crate),
        "platform_packages": platform_packages(fleet, crate),
        "layout": fleet.layout,
        "not_for_kind": tuple(name for name in PLATFORM_NAMES if name in wanted and name not in valid),
    }
    # The values are valid one by one. A manifest of the past, which no check has seen, may have an invalid npm name.
    return Settings.model_construct(**merged)


def build_input(crate: Crate, merged: Settings) -> dict[str, object]:
    """Return the values that decide what is built for a crate, by key and ready for JSON.

    The build cache puts them into its key, and `plan --changed-since` compares them.
    """
    own = crate.model_dump(mode="json", include=Crate.keys(Effect.BUILD_INPUT) - Settings.model_fields.keys())
    return {**own, **merged.model_dump(mode="json", include=Settings.keys(Effect.BUILD_INPUT))}


def passed_variables(manifest: Manifest) -> frozenset[str]:
    """Return the names of all environment variables that some crate of the fleet gets."""
    return frozenset(manifest.fleet.env).union(*(crate.env or () for crate in manifest.crates))
