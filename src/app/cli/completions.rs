//! `huntd completions` and `huntd man`: made from the arguments themselves.

use clap::CommandFactory;

use crate::app::args::Arguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;

/// `huntd completions SHELL`.
pub fn completions(shell: clap_complete::Shell, output: Output) -> Result<Exit, AppError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "huntd", &mut script);
    output.line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}

/// `huntd man`.
pub fn man(output: Output) -> Result<Exit, AppError> {
    let mut page = Vec::new();
    let error = |error: std::io::Error| AppError::plain(format!("can't make the manual page: {error}"));
    clap_mangen::Man::new(Arguments::command()).render(&mut page).map_err(error)?;
    output.line(String::from_utf8_lossy(&page).trim_end())?;
    Ok(Exit::Done)
}
