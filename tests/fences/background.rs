//! A block with a server: `console background`.
//!
//! The first command is started and told to take any free port. When it says where it serves, the
//! other commands are run in one shell, as in a second terminal. Then the server is stopped by
//! Ctrl-C, and must end well.

use nix::sys::signal::Signal;

use super::console::Step;
use super::shell;

/// Where a page says that a server is.
const ON_THE_PAGE: &str = ":3000";

/// Stands between the outputs of two commands.
const SEPARATOR: char = '\u{1e}';

pub fn run(steps: &[Step]) -> Result<Vec<String>, String> {
    let [server, others @ ..] = steps else { return Ok(Vec::new()) };
    let running = shell::start(&format!("{} --port 0", server.command))?;
    let line = running.wait_for_line("127.0.0.1:", shell::PATIENCE);
    let port = line.rsplit("127.0.0.1:").next().unwrap_or_default();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    let port = format!(":{port}");

    let commands = others.iter().map(|step| format!("{}\nprintf '\\036'\n", step.command));
    let script = "exec 2>&1\n".to_owned() + &commands.collect::<String>();
    let told = shell::output(&script.replace(ON_THE_PAGE, &port), 0)?.replace(&port, ON_THE_PAGE);

    running.signal_group(Signal::SIGINT);
    let end = running.finish(shell::PATIENCE);
    if !end.status.success() {
        return Err(format!("$ {}\nended with {}:\n{}", server.command, end.status, end.stderr));
    }
    let told = told.split(SEPARATOR).map(|output| output.trim_end().to_owned());
    Ok(std::iter::once(server.output.clone()).chain(told).take(steps.len()).collect())
}
