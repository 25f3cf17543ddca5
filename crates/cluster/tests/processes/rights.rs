//! Workers that become another user, and must not keep what the primary may.

use std::process::Command;

use cluster::{Error, Settings, json};
use nix::unistd::{Gid, Uid, User};

use crate::harness::{Events, Program, Test, test};

pub fn tests() -> Vec<Test> {
    vec![
        test("a_worker_becomes_the_user_and_group_that_the_settings_say")
            .needs(root)
            .primary(|mut primary| {
                nix::unistd::setgroups(&[1, 2, 3].map(Gid::from_raw)).unwrap();
                let known =
                    User::from_name("daemon").unwrap().or(User::from_name("nobody").unwrap());
                let known = known.expect("one of them is everywhere");
                let (user, group) = (known.uid.as_raw(), known.gid.as_raw());
                for (settings, expected) in [
                    // Nobody knows that user: the group of the same number.
                    (Settings::new().uid(12345), json!([12345, 12345, []])),
                    (Settings::new().uid(user), json!([user, group, []])),
                    (Settings::new().gid(23456), json!([0, 23456, []])),
                    (Settings::new().uid(12345).gid(23456), json!([12345, 23456, []])),
                    (Settings::new().uid(0), json!([0, 0, []])),
                    (Settings::new(), json!([0, 0, [1, 2, 3]])),
                ] {
                    let held = primary.hold_program().unwrap(); // that user may not get at the file
                    let worker = primary.fork_with(settings.held(held)).unwrap();
                    assert_eq!(primary.hears(worker), expected);
                }
            })
            .worker(says_who_it_is),
        test("a_fork_whose_groups_cannot_be_dropped_fails_and_leaves_nothing")
            .needs(user_namespaces)
            .primary(|mut primary| {
                assert!(Uid::effective().is_root());
                let before = crate::leaks::open_files();
                for settings in [Settings::new().gid(0), Settings::new().uid(0)] {
                    let error = primary.fork_with(settings.silent()).unwrap_err();
                    assert!(matches!(&error, Error::Spawn { .. }), "{error}");
                    assert!(error.to_string().contains("operation not permitted"), "{error}");
                }
                assert_eq!(crate::leaks::open_files(), before);
                crate::leaks::has_no_child();
            })
            .outside(|test| {
                // There, root may not call setgroups(2): user_namespaces(7).
                let mut command = Command::new("unshare");
                command.arg("-Ur").arg(std::env::current_exe().unwrap());
                Program::start(test, command).succeeds();
            }),
        test("who_is_not_root_may_become_what_it_is_as_in_node")
            .needs(root)
            .primary(|mut primary| {
                nix::unistd::setgroups(&[1, 2, 3].map(Gid::from_raw)).unwrap();
                nix::unistd::setgid(Gid::from_raw(23456)).unwrap();
                nix::unistd::setuid(Uid::from_raw(12345)).unwrap();
                let (uid, gid) = (Uid::effective().as_raw(), Gid::effective().as_raw());
                assert_ne!(uid, 0);
                for settings in [
                    Settings::new().uid(uid),
                    Settings::new().gid(gid),
                    Settings::new().uid(uid).gid(gid),
                ] {
                    let held = primary.hold_program().unwrap();
                    let worker = primary.fork_with(settings.held(held)).unwrap();
                    assert_eq!(primary.hears(worker), json!([uid, gid, [1, 2, 3]]));
                }
                for settings in [Settings::new().uid(12346), Settings::new().uid(uid).gid(1)] {
                    let error = primary.fork_with(settings).unwrap_err();
                    assert!(error.to_string().contains("operation not permitted"), "{error}");
                }
                primary.rest();
                crate::leaks::has_no_child();
            })
            .worker(says_who_it_is),
        test("a_worker_with_other_rights_starts_where_the_primary_may_go")
            .needs(root)
            .primary(|mut primary| {
                // As in Node: the directory first, then the user.
                let held = primary.hold_program().unwrap();
                let settings = Settings::new().uid(12345).cwd("/root").held(held);
                let worker = primary.fork_with(settings).unwrap();
                assert_eq!(primary.hears(worker), json!([12345, 12345, []]));
            })
            .worker(says_who_it_is),
    ]
}

pub fn root() -> Result<(), String> {
    if Uid::effective().is_root() { Ok(()) } else { Err("needs root".into()) }
}

fn user_namespaces() -> Result<(), String> {
    match Command::new("unshare").args(["-Ur", "true"]).output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err("needs user namespaces (unshare -Ur)".into()),
    }
}

fn says_who_it_is(me: cluster::Worker, _: &str) {
    use nix::unistd::{getegid, geteuid, getgroups};
    let groups: Vec<_> = getgroups().unwrap().iter().map(|group| group.as_raw()).collect();
    me.send((geteuid().as_raw(), getegid().as_raw(), groups)).unwrap();
}
