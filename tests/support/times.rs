//! How long tests took that run without libtest, which could say it itself.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Instant;

/// Runs a test, and notes its time in the file that `TEST_TIMES` names, if it names one.
pub fn timed<T>(name: &str, test: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = test();
    if let Some(path) = std::env::var_os("TEST_TIMES") {
        let seconds = start.elapsed().as_secs_f64();
        let note = format!("{seconds:.3} {} {name}\n", env!("CARGO_PKG_NAME"));
        let file = OpenOptions::new().create(true).append(true).open(path);
        // A time that cannot be noted fails no test.
        let _ = file.and_then(|mut file| file.write_all(note.as_bytes()));
    }
    result
}
