from __future__ import annotations

from pathlib import Path

from generator.sandboxes.configuration import configuration


def test_what_is_outside_of_usr_is_in_no_sandbox_anyway(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "credentials.toml").write_text("[registry]\n")
    found = configuration({"CARGO_HOME": str(tmp_path)}, tmp_path)
    assert set(found.empty) <= {"/usr/local/etc", "/usr/etc"}
    assert found.masked == ()


def test_what_lies_below_usr_is_named_where_it_really_lies(tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("/usr/share")
    (tmp_path / "credentials").symlink_to("/usr/bin/env")
    found = configuration({"CARGO_HOME": str(tmp_path)}, tmp_path)
    assert str(Path("/usr/share").resolve()) in found.empty
    assert found.masked == (str(Path("/usr/bin/env").resolve()),)


def test_the_certificates_that_npm_is_set_to_for_all_users_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/npmrc").write_text("//npm.invalid/:_authToken=secret\ncafile = /somewhere/ca.pem \n")
    system = configuration({}, Path("/nonexistent")).npm_certificates
    assert configuration({}, tmp_path).npm_certificates == (system or "/somewhere/ca.pem")
