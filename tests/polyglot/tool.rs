//! The tool: any program as workers, replaced when they die, stopped gently.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{IN_TIME, Run, root};
use crate::{A_SECOND, LESSON, Test, name, start, stay};

pub fn tests() -> Vec<Test> {
    vec![
        ("what_workers_say_is_told_with_their_name", what_they_say),
        ("a_rehearsal_sends_visitors_and_ends", rehearsal),
        ("programs_that_are_done_are_not_started_again", done),
        ("a_worker_that_dies_is_replaced", replaced),
        ("without_restart_the_dead_stay_dead_and_the_exit_code_is_1", dead),
        ("programs_that_die_at_birth_are_given_up", given_up),
        ("asked_to_stop_workers_finish_and_the_exit_code_is_0", gentle),
        ("asked_to_stop_nobody_who_is_due_is_started", nobody_is_due),
        ("workers_that_have_to_be_killed_make_the_exit_code_1", stubborn),
        ("a_second_signal_ends_all_at_once_by_that_signal", second_signal),
        ("when_the_primary_is_killed_nothing_is_left", primary_killed),
    ]
}

pub fn without_node() -> Vec<Trial> {
    vec![Trial::test("without_node_two_lines_say_so_and_what_to_do", || {
        let nowhere = root().join("lessons"); // a folder without programs
        for words in [&[][..], &["--stay", "--", "node", "app.mjs"]] {
            let mut command = Command::new(LESSON);
            let run = Run::of(command.args(words).env("PATH", &nowhere));
            let output = run.finish(IN_TIME);
            assert_eq!(output.status.code(), Some(1), "{output:#?}");
            let expected = "error: Node is not installed, or not on the PATH\n\
                 help: get Node 20 or newer from https://nodejs.org\n";
            assert_eq!((&*output.stdout, &*output.stderr), ("", expected));
            run.assert_nothing_left(A_SECOND);
        }
        Ok(())
    })]
}

fn ends(run: &Run, code: i32, stderr: &str) -> String {
    let output = run.finish(IN_TIME);
    assert_eq!(output.status.code(), Some(code), "{output:#?}");
    let mut complaint = output.stderr.lines();
    assert_eq!(complaint.next().unwrap_or_default(), stderr, "{output:#?}");
    run.assert_nothing_left(A_SECOND);
    output.stdout
}

fn what_they_say() {
    let (run, _) = stay("-- node APP talks");
    for worker in ["worker 1", "worker 2"] {
        for line in ["says: a line on stdout", "says: a line on stderr"] {
            run.wait_for_line(&format!("{worker}  {line}"), IN_TIME);
        }
        let line = format!("{worker}  sends: {{\"ready\":true}}");
        run.wait_for_line(&line, IN_TIME);
    }
}

fn rehearsal() {
    for policy in ["rr", "none"] {
        let words = "--workers 3 --requests 20 -- node APP";
        let run = start(&format!("--policy {policy} {words}"));
        let told = ends(&run, 0, "");
        assert!(told.contains("visitor   hears 200: 20 times"), "{told}");
        assert_eq!(told.matches("exits 0, as asked").count(), 3, "{told}");
    }
}

fn done() {
    let told = ends(&start("-- node --version"), 0, "");
    assert_eq!(told.matches("exits 0, not asked").count(), 2, "{told}");
    assert_eq!(told.matches("forks").count(), 2, "{told}");
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.trim().parse().expect("a process id"))
}

fn replaced() {
    let (run, visitor) = stay("-- node APP");
    let victim = name(&visitor.visit("/"));
    kill(pid(&victim), Signal::SIGKILL).expect("it is there");
    run.wait_for_line("killed by SIGKILL, not asked", IN_TIME);
    run.wait_for_line("then replaces it", IN_TIME);
    run.wait_for_line("worker 3  listens on", IN_TIME);
    let seen = visitor.one_by_one("/", 10);
    assert!(seen.iter().all(|seen| name(seen) != victim));
}

fn dead() {
    let (run, visitor) = stay("--no-restart -- node APP");
    for _ in 0..2 {
        let victim = name(&visitor.visit("/"));
        kill(pid(&victim), Signal::SIGKILL).expect("it is there");
        run.wait_for_line("killed by SIGKILL, not asked", IN_TIME);
    }
    run.wait_for_lines(2, "killed by SIGKILL, not asked", IN_TIME);
    let output = run.finish(IN_TIME);
    assert_eq!(output.status.code(), Some(1), "{output:#?}");
    assert!(output.stderr.contains("died, and was not replaced"));
}

fn given_up() {
    let told = ends(
        &start("--stay -- node -e process.exit(7)"),
        1,
        "error: gave up after 10 restarts within 60s",
    );
    assert_eq!(told.matches("exits 7, not asked").count(), 12, "{told}");
}

fn gentle() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        for words in ["-- node APP", "--port 0"] {
            let (run, visitor) = stay(words);
            thread::scope(|scope| {
                let wait = scope.spawn(|| visitor.visit("/?ms=700"));
                if words.contains("APP") {
                    run.wait_for_line("is at work", IN_TIME);
                }
                match signal {
                    Signal::SIGINT => run.signal_group(signal), // as Ctrl-C
                    _ => run.signal(signal),
                }
                if words.contains("APP") {
                    name(&wait.join().expect("seen"));
                }
            });
            let told = ends(&run, 0, "");
            assert_eq!(told.matches("exits 0, as asked").count(), 2, "{told}");
        }
    }
}

fn nobody_is_due() {
    let run = start("--stay -- node -e process.exit(7)");
    run.wait_for_lines(4, "then replaces it", IN_TIME);
    run.signal(Signal::SIGTERM);
    let told = ends(&run, 0, "");
    let after = told.split("stops").nth(1).expect("it was asked to");
    assert!(!after.contains("forks"), "{told}");
}

fn stubborn() {
    let (run, _) = stay("--grace 1 -- node APP stays");
    run.signal(Signal::SIGTERM);
    let told = ends(&run, 1, "error: some workers had to be killed");
    assert_eq!(told.matches("killed by SIGTERM").count(), 2, "{told}");
}

fn second_signal() {
    let (run, _) = stay("-- node APP stays");
    run.signal(Signal::SIGTERM);
    run.wait_for_line("stops", IN_TIME);
    run.signal(Signal::SIGINT);
    let output = run.finish(IN_TIME);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    run.assert_nothing_left(A_SECOND);
}

fn primary_killed() {
    let (run, _) = stay("-- node APP stays");
    run.signal(Signal::SIGKILL);
    run.finish(IN_TIME);
    run.assert_nothing_left(A_SECOND);
}
