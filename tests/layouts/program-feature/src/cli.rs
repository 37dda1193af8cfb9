use lexopt::prelude::*;

fn main() -> Result<(), lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    let mut cells = Vec::new();
    while let Some(word) = parser.next()? {
        match word {
            Long("version") => {
                println!("tabulate {}", env!("CARGO_PKG_VERSION"));
                return Ok(());
            }
            Value(value) => cells.push(value.string()?),
            _ => return Err(word.unexpected()),
        }
    }
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    println!("{}", tabulate::row(&cells, 12));
    Ok(())
}
