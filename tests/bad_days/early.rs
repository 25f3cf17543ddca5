//! A service that is asked to stop before it serves: it stops, and complains of nothing.

use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::lesson::{Folder, HTTP_SERVER, Lesson, POLYGLOT, POLYGLOT_OWN, SCHEDULING, SHUTDOWN};
use crate::support::{IN_TIME, Run, SOON};
use crate::trials::trial;
use crate::{needing, proc};

/// Each time a little later after its first worker was started.
const TIMES: u32 = 8;
const LATER: Duration = Duration::from_millis(3);

pub fn tests() -> Vec<Trial> {
    let all = SCHEDULING.into_iter().chain([SHUTDOWN, HTTP_SERVER, POLYGLOT, POLYGLOT_OWN]);
    let tests = all.map(|lesson| {
        let name = format!("{}_stops_also_before_it_serves", lesson.name);
        needing(trial(name, move || stops_early(&lesson)), &lesson, None)
    });
    tests.collect()
}

fn stops_early(lesson: &Lesson) {
    for time in 0..TIMES {
        let folder = Folder::new();
        let run = Run::of(&mut lesson.command(&folder, &[]));
        let until = Instant::now() + IN_TIME;
        while proc::children(run.pid()).is_empty() {
            assert!(Instant::now() < until, "it starts no worker");
            thread::sleep(Duration::from_micros(300)); // looks again
        }
        thread::sleep(LATER * time); // the moment that is tried
        run.signal(Signal::SIGTERM);
        let output = run.finish(lesson.grace * 2);
        let ended =
            output.status.success() || output.status.signal() == Some(Signal::SIGTERM as i32);
        assert!(ended && output.stderr.is_empty(), "after {:?}: {output:#?}", LATER * time);
        run.assert_nothing_left(SOON);
    }
}
