use std::io::Read;

fn main() -> std::io::Result<()> {
    if std::env::args().any(|each| each == "--version") {
        println!("lines-cli {}", env!("CARGO_PKG_VERSION"));
        return Ok(());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    println!("{}", lines::count(&text));
    Ok(())
}
