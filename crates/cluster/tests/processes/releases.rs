//! The program's file is replaced, or goes, while its primary runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use cluster::{Event, HeldProgram, Primary, Settings, json};

use crate::harness::{Events, Program, Test, test};

pub fn tests() -> Vec<Test> {
    let mut tests: Vec<Test> = TYPED.iter().map(after_the_swap).collect();
    tests.extend([
        test("a_program_that_was_started_under_another_name_forks_its_own_file")
            .primary(says_who_runs)
            .worker(says_what_it_is)
            .outside(|test| {
                let place = Place::new(test);
                let mut command = Command::new(place.path("current/program"));
                command.arg0("nobody");
                let mut program = Program::start(test, command);
                let v1 = place.path("v1/program");
                program.says(&format!("{} nobody ours", v1.display()));
                program.says(&format!("{} nobody ours", v1.display()));
                program.is_told("end");
                program.succeeds();
            }),
        test("a_held_release_is_forked_after_it_was_replaced_and_after_it_was_deleted")
            .primary(holds)
            .worker(says_what_it_is)
            .outside(|test| {
                let place = Place::new(test);
                let typed = place.path("current/program");
                let mut program = Program::start(test, Command::new(&typed));
                let says = |program: &mut Program, file: &str| {
                    let line = format!("{} {} ours", place.path(file).display(), typed.display());
                    program.says(&line);
                };
                (0..4).for_each(|_| says(&mut program, "v1/program"));
                place.swap();
                program.is_told("swapped");
                (0..4).for_each(|_| says(&mut program, "v1/program"));
                says(&mut program, "v2/program");
                fs::remove_dir_all(place.path("v1")).unwrap();
                program.is_told("deleted");
                (0..4).for_each(|_| says(&mut program, "v1/program (deleted)"));
                program.succeeds();
            }),
        test("of_held_and_exec_the_later_one_counts")
            .primary(|mut primary| {
                let held = primary.hold_program().unwrap();
                let this = std::env::current_exe().unwrap();
                let shell = || Settings::new().exec("/bin/sh").args(["-c", "exit 7"]);
                primary.setup(shell());
                let worker = primary.fork_with(Settings::new().held(held.clone())).unwrap();
                assert_eq!(primary.hears(worker)[0], json!(this));
                primary.setup(Settings::new().held(held));
                let worker = primary.fork_with(shell()).unwrap();
                let exit = primary.until(|event| match event {
                    Event::Exit { worker: gone, exit, .. } if gone == worker => Some(exit),
                    _ => None,
                });
                assert_eq!(exit, cluster::Exit::Code(7));
            })
            .worker(says_what_it_is),
        test("a_held_release_is_no_descriptor_of_the_worker")
            .primary(|mut primary| {
                let count = |primary: &mut Primary, settings: Settings| {
                    let worker = primary.fork_with(settings).unwrap();
                    primary.hears(worker)
                };
                let alone = count(&mut primary, Settings::new());
                let held = primary.hold_program().unwrap();
                for settings in [Settings::new(), Settings::new().cwd("/")] {
                    assert_eq!(count(&mut primary, settings.held(held.clone())), alone);
                }
            })
            .worker(|me, _| me.send(crate::leaks::open_files()).unwrap()),
    ]);
    tests
}

/// What is typed in a shell that has come to the place, and the `argv[0]` that comes of it.
struct Typed {
    name: &'static str,
    script: &'static str,
    argv_0: &'static str,
}

const TYPED: [Typed; 5] = [
    Typed {
        name: "by_its_path",
        script: "exec $PWD/current/program",
        argv_0: "PLACE/current/program",
    },
    Typed { name: "from_beside", script: "exec current/program", argv_0: "current/program" },
    Typed {
        name: "from_inside",
        script: "cd current; export PWD; exec ./program",
        argv_0: "./program",
    },
    Typed {
        name: "by_its_name",
        script: "PATH=$PWD/current:$PATH; exec program",
        argv_0: "program",
    },
    Typed {
        name: "from_a_relative_search_path",
        script: "PATH=:current; exec program",
        argv_0: "program",
    },
];

fn after_the_swap(typed: &Typed) -> Test {
    let name =
        format!("typed_{}_a_program_forks_the_release_that_a_moved_link_points_to", typed.name);
    test(name.leak()).primary(says_who_runs).worker(says_what_it_is).outside(|test| {
        let typed = TYPED.iter().find(|it| test.name.contains(it.name)).unwrap();
        let place = Place::new(test);
        let argv_0 = typed.argv_0.replace("PLACE", place.0.to_str().unwrap());
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("cd {}; {}", place.0.display(), typed.script));
        let mut program = Program::start(test, shell);
        let says = |program: &mut Program, release: &str| {
            let file = place.path(release).join("program");
            let line = format!("{} {argv_0} ours", file.display());
            program.says(&line); // started by posix_spawn
            program.says(&line); // started by std's Command
        };
        says(&mut program, "v1");
        place.swap();
        program.is_told("go on");
        says(&mut program, "v2");
        // Where the path is gone, the file that runs takes its place.
        fs::remove_file(place.path("current")).unwrap();
        program.is_told("go on");
        says(&mut program, "v1");
        program.is_told("end");
        program.succeeds();
    })
}

/// Two releases of this binary, and a link to the first.
struct Place(PathBuf);

impl Place {
    fn new(test: &Test) -> Place {
        let place =
            std::env::temp_dir().join(format!("cluster-{}-{}", test.name, std::process::id()));
        let place = Place(place);
        for release in ["v1", "v2"] {
            fs::create_dir_all(place.path(release)).unwrap();
            // By another process: what this one writes cannot be executed while a child of another
            // test has it open, too.
            let copied = Command::new("cp")
                .arg(std::env::current_exe().unwrap())
                .arg(place.path(release).join("program"))
                .status();
            assert!(copied.unwrap().success());
        }
        symlink("v1", place.path("current")).unwrap();
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// What `ln -sfn v2 current` does.
    fn swap(&self) {
        let new = self.path("new");
        symlink("v2", &new).unwrap();
        fs::rename(&new, self.path("current")).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn says_what_it_is(me: cluster::Worker, _: &str) {
    let file = fs::read_link("/proc/self/exe").unwrap();
    let group =
        nix::unistd::getpgrp() == nix::unistd::getpgid(Some(nix::unistd::getppid())).unwrap();
    let group = if group { "ours" } else { "its own" };
    me.send((file, std::env::args().next().unwrap(), group)).unwrap();
}

/// Forks in both ways, and prints what the workers say.
fn prints(primary: &mut Primary, settings: &Settings) {
    for settings in [settings.clone(), settings.clone().cwd("/")] {
        let worker = primary.fork_with(settings).unwrap();
        let said = primary.hears(worker);
        println!("{} {} {}", text(&said[0]), text(&said[1]), text(&said[2]));
    }
}

fn text(value: &cluster::Value) -> &str {
    value.as_str().unwrap()
}

fn says_who_runs(mut primary: Primary) {
    loop {
        prints(&mut primary, &Settings::new());
        if next_line() == "end" {
            break;
        }
    }
}

fn holds(mut primary: Primary) {
    let held = primary.hold_program().unwrap();
    assert_eq!(held, primary.hold_program().unwrap());
    assert!(held.path().ends_with("current/program"), "{held:?}");
    // Numbers for pipes that the held descriptor may have here.
    let clash = |settings: Settings| (3..20).fold(settings, Settings::duplex);
    let release = |held: &HeldProgram| Settings::new().held(held.clone());
    let prints_all = |primary: &mut Primary| {
        prints(primary, &release(&held));
        prints(primary, &clash(release(&held)));
    };
    prints_all(&mut primary);
    assert_eq!(next_line(), "swapped");
    let newer = primary.hold_program().unwrap();
    assert_ne!(newer, held);
    prints_all(&mut primary);
    let worker = primary.fork_with(release(&newer)).unwrap();
    let said = primary.hears(worker);
    println!("{} {} {}", text(&said[0]), text(&said[1]), text(&said[2]));
    assert_eq!(next_line(), "deleted");
    prints_all(&mut primary);
}

fn next_line() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
