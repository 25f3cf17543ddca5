//! Why a worker cannot listen, in words for whoever started the lesson: it has `--port`.

use std::io::ErrorKind;

use cluster::Error;
use narrator::Failure;

/// Whether somebody else has the port.
pub fn is_taken(error: &Error) -> bool {
    matches!(error, Error::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse)
}

/// What happened, and what to do.
pub fn advise(error: &Error) -> Failure {
    let advice = match is_taken(error) {
        true => "End what listens there, or take any free port: --port 0",
        false => &error.advice(),
    };
    Failure::new(error.to_string(), advice)
}
