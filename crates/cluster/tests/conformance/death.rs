//! The end of the primary is the end of its workers.

use std::time::Duration;

use cluster::WorkerId;

use crate::obeys::some;
use crate::remote::tell;
use crate::row::{Row, row};

/// A worker has half a second to end by itself; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(5);

pub fn rows() -> Vec<Row> {
    vec![
        row(46, "primary_error")
            .primary(|mut primary| {
                let _: [WorkerId; 2] = some(&mut primary);
                panic!("on purpose");
            })
            .outside(|test| {
                let mut program = test.start();
                program.and_all_it_started_are_gone_within(crate::harness::DEADLINE);
                assert!(!program.ends().success());
            }),
        row(47, "primary_kill")
            .primary(|mut primary| {
                let [worker] = some(&mut primary);
                tell(&mut primary, worker, "listen 127.0.0.1:0");
                println!("ready");
                std::process::exit(0)
            })
            .outside(|test| {
                let mut program = test.start();
                program.says("ready");
                program.and_all_it_started_are_gone_within(SOON);
                assert!(program.ends().success());
            }),
    ]
}
