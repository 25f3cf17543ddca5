//! How workers are started.

use std::os::unix::fs::PermissionsExt;

use cluster::{Error, Event, Exit, Settings, Stdio, json};

use crate::harness::{Events, Test, exit_of, part, test};

pub fn tests() -> Vec<Test> {
    vec![
        test("a_worker_gets_the_arguments_of_its_primary_unless_the_settings_say_others")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!(["--mine", "x y"]));
                primary.setup(Settings::new().args(["--other"]));
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!(["--other"]));
                let worker = primary.fork_with(Settings::new().args(["--own"])).unwrap();
                assert_eq!(primary.hears(worker), json!(["--own"]));
                // Settings of one fork are for that fork only.
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!(["--other"]));
            })
            .worker(|me, _| me.send(std::env::args().skip(1).collect::<Vec<_>>()).unwrap())
            .outside(|test| test.start_by_shell("exec \"$0\" --mine 'x y'").succeeds()),
        test("variables_are_inherited_added_overridden_and_removed")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!(["one", "two", null]));
                primary.setup(Settings::new().env("T_ONE", "1").env("T_THREE", "3"));
                primary.setup(Settings::new().env_remove("T_TWO"));
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!(["1", null, "3"]));
                let own = Settings::new()
                    .env("T_TWO", "")
                    .env_remove("T_ONE")
                    .env("NODE_UNIQUE_ID", "77");
                let worker = primary.fork_with(own).unwrap();
                assert_eq!(worker.get(), 3);
                assert_eq!(primary.hears(worker), json!([null, "", "3"]));
            })
            .worker(|me, _| {
                assert_ne!(me.id().get(), 77);
                me.send(["T_ONE", "T_TWO", "T_THREE"].map(|name| std::env::var(name).ok()))
                    .unwrap();
            })
            .outside(|test| {
                test.start_by_shell("export T_ONE=one T_TWO=two; exec \"$0\"").succeeds();
            }),
        test("settings_that_are_not_said_again_stay_as_they_were").primary(|mut primary| {
            assert_eq!(*primary.settings(), Settings::new());
            primary.setup(Settings::new().args(["a"]).cwd("/tmp"));
            primary.setup(Settings::new().args(["b"]));
            let expected = Settings::new().args(["b"]).cwd("/tmp");
            assert_eq!(*primary.settings(), expected);
            primary.fork_with(Settings::new().env("X", "1")).unwrap();
            assert_eq!(*primary.settings(), expected);
            let told = primary.until(|event| match event {
                Event::Setup(settings) => Some(settings),
                _ => None,
            });
            assert_eq!(*told, Settings::new().args(["a"]).cwd("/tmp"));
        }),
        test("a_worker_starts_in_the_directory_that_the_settings_say")
            .primary(|mut primary| {
                let here = std::env::current_dir().unwrap();
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!(here));
                let worker = primary.fork_with(Settings::new().cwd("/proc")).unwrap();
                assert_eq!(primary.hears(worker), json!("/proc"));
            })
            .worker(|me, _| me.send(std::env::current_dir().unwrap()).unwrap()),
        test("what_cannot_be_started_is_told_with_its_name_and_the_reason").primary(
            |mut primary| {
                let file =
                    std::env::temp_dir().join(format!("cluster-file-{}", std::process::id()));
                std::fs::write(&file, "no program").unwrap();
                std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
                let exec = |path: &str| Settings::new().exec(path);
                let file_name = file.to_str().unwrap();
                for (settings, expected) in [
                    (exec("/no/such/program"), "/no/such/program: no such file"),
                    (exec("/no/such/program").cwd("/"), "/no/such/program: no such file"),
                    (exec(file_name), "permission denied"),
                    (exec("/"), "/: permission denied"),
                    (
                        Settings::new().cwd("/no/such/directory"),
                        "no working directory /no/such/directory",
                    ),
                    (Settings::new().args(["zero\0byte"]), "zero byte"),
                ] {
                    let error = primary.fork_with(settings).unwrap_err();
                    assert!(matches!(error, Error::Spawn { .. }));
                    assert!(error.to_string().contains(expected), "{error} / {expected}");
                    assert!(format!("{error:#}").lines().count() == 2, "it says what to do");
                }
                std::fs::remove_file(&file).unwrap();
                assert_eq!(primary.workers().count(), 0);
                assert!(primary.rest().is_empty());
            },
        ),
        test("output_is_told_line_by_line_and_all_of_it_before_the_exit")
            .primary(|mut primary| {
                primary.setup(Settings::new().silent());
                let worker = primary.fork_with(part("prints")).unwrap();
                let mut told = primary.rest();
                let [.., exit] = &told[..] else { panic!("{told:?}") };
                assert_eq!(exit, "worker 1 exits 0, unasked");
                told.retain(|event| event.contains("prints"));
                told.sort();
                let lines = ["error", "one", "two", "without an end"];
                assert_eq!(told, lines.map(|line| format!("{worker} prints {line}")));
            })
            .worker(|_me, _| {
                println!("one\ntwo");
                eprintln!("error");
                print!("without an end");
                let mut rest = String::new();
                let count = std::io::stdin().read_line(&mut rest).unwrap();
                assert_eq!(count, 0, "stdin is nothing");
            }),
        test("two_megabytes_of_stderr_are_told_whole")
            .primary(|mut primary| {
                primary.fork_with(Settings::new().stderr(Stdio::Lines)).unwrap();
                let (mut bytes, mut lines) = (0, 0);
                let exit = primary.until(|event| match event {
                    Event::Output(_, line) => {
                        bytes += line.len();
                        lines += 1;
                        None
                    }
                    Event::Exit { exit, .. } => Some(exit),
                    _ => None,
                });
                assert_eq!((exit, bytes), (Exit::Code(3), 2 << 20));
                assert!(lines >= 1024 + 128, "{lines}: what has no end comes in pieces");
            })
            .worker(|_me, _| {
                for _ in 0..1024 {
                    eprintln!("{}", "x".repeat(1024));
                }
                eprint!("{}", "x".repeat(1 << 20));
                std::process::exit(3)
            }),
        test("a_stream_goes_nowhere_if_the_settings_say_so")
            .primary(|mut primary| {
                let settings = Settings::new().stdin(Stdio::Null).stdout(Stdio::Null);
                let worker = primary.fork_with(settings.stderr(Stdio::Null)).unwrap();
                assert_eq!(primary.hears(worker), json!(["/dev/null", "/dev/null", "/dev/null"]));
                assert_eq!(exit_of(&mut primary).0, Exit::Code(0));
            })
            .worker(|me, _| {
                me.send(
                    [0, 1, 2].map(|fd| std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap()),
                )
                .unwrap();
            }),
    ]
}
