/// What a hostile crate would put into a log: commands to GitHub's runner, and codes that repaint a terminal.
/// Every line says "hostile", so that a test can find what is left of it in a cleaned log.
pub const FORGED: &str = "
::error file=src/lib.rs,line=1::hostile forged-error
::warning::hostile forged-warning
::add-mask::hostile
::set-output name=built::hostile-forged-output
::set-env name=PATH::hostile-forged-path
::stop-commands::hostile-forged-token
##[error]hostile forged-old-error
\x1b[31mhostile red\x1b[0m \x1b[2J\x1b[1;1Hhostile cleared-screen
\x1b]0;hostile title\x07 \x1b]8;;file:///etc/passwd\x1b\\hostile link\x1b]8;;\x1b\\
hostile overwritten\r::error::hostile after-carriage-return
";
