"""Recipe of each kind of crate."""

from __future__ import annotations

from typing import Final

from generator.platforms import Kind
from generator.recipes.cargo import LibraryRecipe, ProgramRecipe
from generator.recipes.napi import AddonRecipe
from generator.recipes.recipe import Recipe
from generator.recipes.wasm import WebRecipe

RECIPES: Final[dict[Kind, Recipe]] = {
    "lib": LibraryRecipe(),
    "bin": ProgramRecipe(),
    "napi": AddonRecipe(),
    "wasm": WebRecipe(),
}
