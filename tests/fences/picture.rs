//! Pictures: `mermaid picture=LESSON FLAGS of=WORDS` is what the lesson draws with these flags,
//! `--picture mermaid` and `--picture-of WORDS`. As in a console block, `varies` compares by shape;
//! otherwise each worker's steps must be the same.

use super::varying::Mode;
use super::{Fence, shell};

/// The command that draws the picture.
pub fn command(fence: &Fence) -> Option<String> {
    let run = fence.info.strip_prefix("mermaid ")?.trim_start_matches("varies ");
    let run = run.strip_prefix("picture=")?;
    let (run, of) = run.split_once(" of=").map_or((run, None), |(run, of)| (run, Some(of)));
    let of = of.map(|of| format!(" --picture-of '{of}'")).unwrap_or_default();
    Some(format!("cargo run -q -p main-runner -- {run} --picture mermaid{of}"))
}

/// What two workers do at once is in no order.
pub fn mode(fence: &Fence) -> Mode {
    if fence.rest().next() == Some("varies") { Mode::Varies } else { Mode::PerWorker }
}

/// What the lesson draws now.
pub fn draw(command: &str) -> Result<String, String> {
    let output = shell::output(command, 0)?;
    match output.split_once("\n\nsequenceDiagram\n") {
        Some((_, diagram)) if !diagram.contains("choose with --picture-of") => {
            Ok(format!("sequenceDiagram\n{diagram}"))
        }
        Some(_) => Err("the picture is too long: choose with --picture-of".to_owned()),
        None => Err(format!("draws nothing:\n{output}")),
    }
}
