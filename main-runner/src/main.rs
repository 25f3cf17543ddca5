//! Runs a lesson by name: `cargo run -p main-runner -- ipc`.

mod all;
mod arguments;
mod capture;
mod check;
mod compare;
mod grid;
mod hint;
mod lessons;
mod nearest;
mod node;
mod page;
mod read;
mod rehearse;
mod table;
mod text;
mod waiting;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use arguments::Task;
use cluster::Role;

/// What a tool of the runner returns: its exit code, or what went wrong.
type Ending = Result<ExitCode, Box<dyn Error>>;

fn main() -> ExitCode {
    // First: a worker is this same program with the same arguments, and its role must be taken
    // before anything else happens.
    let role = cluster::role();

    let is_worker = role.as_ref().is_ok_and(Role::is_worker);
    let task = match arguments::read(is_worker) {
        Ok(task) => task,
        Err(refusal) => return refusal.report(),
    };
    let mut code = ExitCode::SUCCESS;
    let told = narrator::run(|| {
        code = perform(task, role?)?;
        Ok(())
    });
    if told == ExitCode::SUCCESS { code } else { told }
}

fn perform(task: Task, role: Role) -> Ending {
    let ending = match task {
        Task::Lesson(lesson) => lesson.run(role).map(|()| ExitCode::SUCCESS),
        Task::Table => table::print(),
        Task::All { flags } => all::run(&flags),
        Task::Read(page) => read::print(&page),
        Task::Node { lesson, arguments } => node::run(&lesson, &arguments),
        Task::Compare(lesson) => compare::run(&lesson),
        Task::Rehearse => rehearse::run(),
        Task::Check { lesson, exercise } => check::run(&lesson, exercise),
        Task::Hint { lesson, exercise, number } => hint::print(&lesson, exercise, number),
    };
    ending.or_else(|error| if is_closed_pipe(&*error) { Ok(ExitCode::SUCCESS) } else { Err(error) })
}

/// Whether the reader of our output has gone (`| head -1`): nothing to complain about.
fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
