"""Images of a binary, read with LIEF.

This code runs only in the isolated reader process: LIEF is written in C++, and the file is hostile.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from lief import ELF, PE, MachO

from generator.audit.code_signature import find_signature_error
from generator.audit.facts import Image
from generator.audit.magic import MACH_O
from generator.audit.wasm import UnreadableBinary, read_module

# Registration functions of an addon: https://nodejs.org/api/n-api.html#module-registration. napi-rs 2 and 3 export the
# first on native platforms and both from wasm. Older C addons call the third from a constructor.
EXPORTED: Final = ("napi_register_module_v1", "napi_register_wasm_v1")
CALLED: Final = "napi_module_register"

_PIE_FLAG: Final = 0x08000000  # DF_1_PIE of DT_FLAGS_1, elf.h


def read_images(path: Path) -> tuple[Image, ...]:
    """Return a file's images; raise UnreadableBinary with the reason when there are none."""
    if not path.stat().st_size:
        raise UnreadableBinary("it is empty")
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    head = bytes(data[:4])
    if head == b"\0asm":
        return (_wasm(data),)
    if head == b"\x7fELF":
        return (_elf(path),)
    if head[:2] == b"MZ":
        return (_pe(path),)
    if head in MACH_O:
        return _mach_o(path, data)
    raise UnreadableBinary(f"its format is unknown: it begins with {bytes(data[:16])!r}")


def _wasm(data: memoryview) -> Image:
    imports, exports = read_module(data)
    return Image(
        format="wasm",
        machine="wasm32",
        bits=32,
        role="library",
        registrations=_registrations(exports),
        imports=tuple(imports.items()),
    )


def _elf(path: Path) -> Image:
    config = ELF.ParserConfig()
    config.parse_relocations = config.parse_symtab_symbols = config.parse_notes = config.parse_overlay = False
    binary = ELF.parse(path, config)
    if binary is None:
        raise UnreadableBinary("it begins like an ELF file, but is not one")
    header = binary.header
    little = header.identity_data == ELF.Header.ELF_DATA.LSB
    machines = {ELF.ARCH.X86_64: "x64", ELF.ARCH.AARCH64: "arm64"} if little else {}
    # LIEF's list of imported symbols lacks functions without a type, and C compilers write such functions.
    called = [symbol.name for symbol in binary.dynamic_symbols if symbol.shndx == 0]
    names = [symbol.name for symbol in binary.exported_symbols]
    return Image(
        format="ELF",
        machine=machines.get(header.machine_type, _value_name(header.machine_type)),
        bits=64 if header.identity_class == ELF.Header.CLASS.ELF64 else 32,
        role=_elf_role(binary),
        entry=header.entrypoint != 0,
        interpreter=binary.interpreter if binary.has_interpreter else None,
        libraries=tuple(map(_text, binary.libraries)),
        search_paths=tuple(_search_paths(binary)),
        versions=tuple(
            sorted(
                {
                    _text(version.name)
                    for needed in binary.symbols_version_requirement
                    for version in needed.get_auxiliary_symbols()
                }
            )
        ),
        registrations=_registrations(names, called),
    )


def _elf_role(binary: ELF.Binary) -> Literal["program", "library", "other"]:
    """Return the role of an ELF file; a position-independent program has a library's type, but a loader or a flag."""
    match binary.header.file_type:
        case ELF.Header.FILE_TYPE.EXEC:
            return "program"
        case ELF.Header.FILE_TYPE.DYN:
            flags = binary.get(ELF.DynamicEntry.TAG.FLAGS_1)
            pie = flags is not None and flags.value & _PIE_FLAG
            return "program" if pie or binary.has_interpreter else "library"
        case _:
            return "other"


def _search_paths(binary: ELF.Binary) -> Iterable[str]:
    for entry in binary.dynamic_entries:
        if isinstance(entry, ELF.DynamicEntryRunPath):
            yield from _text(entry.runpath).split(":")
        elif isinstance(entry, ELF.DynamicEntryRpath):
            yield from _text(entry.rpath).split(":")


def _pe(path: Path) -> Image:
    config = PE.ParserConfig()
    config.parse_signature = config.parse_rsrc = config.parse_reloc = config.parse_exceptions = False
    binary = PE.parse(path, config)
    if binary is None:
        raise UnreadableBinary("it begins like a Windows program, but is not one")
    header, optional = binary.header, binary.optional_header
    library = header.has_characteristic(PE.Header.CHARACTERISTICS.DLL)
    exports = binary.get_export()
    imported = [*(each.name for each in binary.imports), *(each.name for each in binary.delay_imports)]
    machine = header.machine
    return Image(
        format="PE",
        machine={PE.Header.MACHINE_TYPES.AMD64: "x64", PE.Header.MACHINE_TYPES.ARM64: "arm64"}.get(
            machine, _value_name(machine)
        ),
        bits=64 if optional.magic == PE.PE_TYPE.PE32_PLUS else 32,
        role="library" if library else "program",
        entry=optional.addressof_entrypoint != 0,
        libraries=tuple(map(_text, imported)),
        registrations=_registrations(entry.name for entry in exports.entries) if exports else (),
        subsystem=_value_name(optional.subsystem),
    )


def _mach_o(path: Path, data: memoryview) -> tuple[Image, ...]:
    config = MachO.ParserConfig()
    config.parse_dyld_bindings = config.parse_dyld_rebases = False
    fat = MachO.parse(path, config)
    if fat is None or not len(fat):
        raise UnreadableBinary("it begins like a Mach-O file, but is not one")
    return tuple(_slice(fat.at(number), data) for number in range(len(fat)))


def _slice(binary: MachO.Binary | None, data: memoryview) -> Image:
    """Return the image of one architecture of a Mach-O file."""
    if binary is None:
        raise UnreadableBinary("an architecture of the universal file cannot be read")
    kind, cpu = binary.header.file_type, binary.header.cpu_type
    own_name = MachO.LoadCommand.TYPE.ID_DYLIB
    image = data[binary.fat_offset : binary.fat_offset + binary.original_size]
    names, called = (
        [_text(symbol.name).removeprefix("_") for symbol in symbols]
        for symbols in (binary.exported_symbols, binary.imported_symbols)
    )
    signature_error = _signature_error(binary, image)
    return Image(
        format="Mach-O",
        machine={MachO.Header.CPU_TYPE.X86_64: "x64", MachO.Header.CPU_TYPE.ARM64: "arm64"}.get(cpu, _value_name(cpu)),
        bits=64 if "64" in _value_name(binary.header.magic) else 32,
        role=_mach_o_role(kind),
        entry=binary.has_main_command or binary.has_thread_command,
        libraries=tuple(_text(each.name) for each in binary.libraries if each.command != own_name),
        search_paths=tuple(_text(each.path) for each in binary.rpaths),
        registrations=_registrations(names, called),
        macos=_macos(binary),
        signature="invalid" if signature_error else "valid" if binary.has_code_signature else "none",
        signature_error=signature_error,
    )


def _mach_o_role(kind: MachO.Header.FILE_TYPE) -> Literal["program", "library", "other"]:
    if kind == MachO.Header.FILE_TYPE.EXECUTE:
        return "program"
    return "library" if kind in (MachO.Header.FILE_TYPE.DYLIB, MachO.Header.FILE_TYPE.BUNDLE) else "other"


def _signature_error(binary: MachO.Binary, image: memoryview) -> str | None:
    """Return the error of the code signature, or None when it is valid or missing."""
    signature = binary.code_signature
    return None if signature is None else find_signature_error(image, signature.data_offset, signature.data_size)


def _macos(binary: MachO.Binary) -> str | None:
    if (build := binary.build_version) is not None:
        version = build.minos if build.platform == MachO.BuildVersion.PLATFORMS.MACOS else None
    else:
        oldest = binary.version_min
        macos = MachO.LoadCommand.TYPE.VERSION_MIN_MACOSX
        version = oldest.version if oldest is not None and oldest.command == macos else None
    return f"{version[0]}.{version[1]}" if version else None


def _registrations(exported: Iterable[str | bytes], called: Iterable[str | bytes] = ()) -> tuple[str, ...]:
    return tuple({*EXPORTED}.intersection(exported)) + tuple({CALLED}.intersection(called))


def _text(name: str | bytes) -> str:
    """Return a name as text; LIEF gives bytes when it is not UTF-8."""
    return name if isinstance(name, str) else name.decode(errors="replace")


def _value_name(value: object) -> str:
    """Return LIEF's name of a header's value, or the number when it has no name."""
    return str(getattr(value, "name", value)).lower()
