//! Adds up durations: `fleet-cli 1h30m 45s` prints `1h30m45s`. Without arguments it reads them from stdin.

use std::io::{self, Read};
use std::process::ExitCode;

const HELP: &str = "Usage: fleet-cli [DURATION ...]
Adds up durations such as 1h30m or 45s, from the arguments or from stdin.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("fleet-cli: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<String, String> {
    match arguments.first().map(String::as_str) {
        Some("--version" | "-V") => Ok(format!("fleet-cli {}", env!("CARGO_PKG_VERSION"))),
        Some("--help" | "-h") => Ok(HELP.to_owned()),
        Some(_) => sum(&arguments.join(" ")),
        None => {
            let mut input = String::new();
            io::stdin()
                .read_to_string(&mut input)
                .map_err(|error| format!("cannot read stdin: {error}"))?;
            sum(&input)
        }
    }
}

fn sum(durations: &str) -> Result<String, String> {
    let mut total: u64 = 0;
    for duration in durations.split_whitespace() {
        total = seconds(duration)
            .and_then(|seconds| total.checked_add(seconds))
            .ok_or_else(|| format!("not a duration like 1h30m: {duration}"))?;
    }
    Ok(show(total))
}

/// The seconds in `1h30m45s`; every number needs its unit.
fn seconds(duration: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = duration;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..unit_at].parse().ok()?;
        let unit = match rest.as_bytes()[unit_at] {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[unit_at + 1..];
    }
    Some(total)
}

fn show(seconds: u64) -> String {
    let parts = [
        (seconds / 3600, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let shown: String = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown
    }
}
