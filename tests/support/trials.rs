//! Trials that need Node: reported as ignored, with the reason, where it is missing, never as
//! passed. With `REQUIRE_NODE` set, a missing Node is a failure. Needs libtest-mimic, so a target
//! without it leaves this file out.

use libtest_mimic::Trial;

use crate::support::node_is_here;
use crate::times::timed;

pub fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    let name = name.into();
    let label = name.clone();
    Trial::test(name, move || {
        timed(&label, test);
        Ok(())
    })
}

pub fn needing_node(trials: impl IntoIterator<Item = Trial>) -> Vec<Trial> {
    let node = node_is_here();
    let required = std::env::var_os("REQUIRE_NODE").is_some();
    let is_installed = Trial::test("node_is_installed", move || Ok(node?));
    let mut all: Vec<Trial> = required.then_some(is_installed).into_iter().collect();
    all.extend(trials.into_iter().map(|trial| match node {
        Err(reason) if !required => trial.with_kind(reason).with_ignored_flag(true),
        _ => trial,
    }));
    all
}
