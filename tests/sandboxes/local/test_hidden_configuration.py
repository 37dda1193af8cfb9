from __future__ import annotations

from pathlib import Path

import pytest

from generator.sandboxes.local.hidden_configuration import hidden_configuration


def test_what_is_outside_of_usr_is_in_no_sandbox_anyway(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "credentials.toml").write_text("[registry]\n")
    found = hidden_configuration({"CARGO_HOME": str(tmp_path)}, tmp_path)
    assert set(found.empty_directories) <= {"/usr/local/etc", "/usr/etc"}
    assert found.masked_files == ()


@pytest.mark.attack("tokens below /usr are hidden where links lead, too", entry="W3")
def test_what_lies_below_usr_is_named_where_it_really_lies(tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("/usr/share")
    (tmp_path / "lib/node_modules/npm").mkdir(parents=True)
    given = {
        "credentials": "env",
        "credentials.toml": "id",
        "config": "ls",
        "config.toml": "cp",
        "lib/node_modules/npm/npmrc": "mv",
    }
    for name, program in given.items():
        (tmp_path / name).symlink_to(f"/usr/bin/{program}")
    found = hidden_configuration({"CARGO_HOME": str(tmp_path)}, tmp_path)
    assert str(Path("/usr/share").resolve()) in found.empty_directories
    assert set(found.masked_files) == {str(Path(f"/usr/bin/{program}").resolve()) for program in given.values()}


@pytest.mark.parametrize("directory", ["etc", "lib/node_modules/npm"])
def test_the_certificates_that_npm_is_set_to_for_all_users_are_passed_on(tmp_path: Path, directory: str) -> None:
    (tmp_path / directory).mkdir(parents=True)
    (tmp_path / directory / "npmrc").write_text("//npm.invalid/:_authToken=secret\ncafile = /somewhere/ca.pem \n")
    system = hidden_configuration({}, Path("/nonexistent")).npm_certificates
    assert hidden_configuration({}, tmp_path).npm_certificates == (system or "/somewhere/ca.pem")
