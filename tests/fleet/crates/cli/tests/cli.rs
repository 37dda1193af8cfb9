//! Runs the program as a user would.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fleet-cli"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its stdin may have closed it already.
    let _ = program.stdin.take().unwrap().write_all(input.as_bytes());
    program.wait_with_output().unwrap()
}

fn answer(arguments: &[&str], input: &str) -> String {
    let output = run(arguments, input);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn adds_up_arguments() {
    assert_eq!(answer(&["1h30m", "45m", "5s"], ""), "2h15m5s\n");
}

#[test]
fn reads_stdin_without_arguments() {
    assert_eq!(answer(&[], "20m\n40m\n"), "1h\n");
    assert_eq!(answer(&[], ""), "0s\n");
}

#[test]
fn tells_its_version() {
    assert_eq!(
        answer(&["--version"], ""),
        format!("fleet-cli {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn bad_input_is_an_error() {
    for bad in [
        "soon",
        "5",
        "h",
        "1h30",
        "5é",
        "99999999999999999999h",
        "9999999999999999h",
    ] {
        let output = run(&[bad], "");
        assert_eq!(output.status.code(), Some(2), "{bad}");
        assert!(output.stdout.is_empty());
        let expected = format!("fleet-cli: not a duration like 1h30m: {bad}\n");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    }
}
