//! A worker by hand: one visitor after another, until the door is closed.

use std::io::Write;
use std::time::Duration;

use narrator::Outcome;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getppid};
use os_pipe::PipeWriter;
use visitors::Guest;

use super::Play;
use crate::STUBBORN;
use crate::worker::{answer, has_begun_before, is_here, work as time};

/// With `--step` this story stops, and everybody in it waits.
pub(super) const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// What a worker tells its primary.
pub(super) const LISTENS: u8 = b'L';
pub(super) const BEGINS: u8 = b'B';
pub(super) const ANSWERED: u8 = b'A';
pub(super) const HAS_SERVED: u8 = b'S';
pub(super) const WARNED: u8 = b'W';

pub(super) fn work(
    play: &Play,
    primary: Pid,
    number: u32,
    mut tell: PipeWriter,
) -> Outcome {
    set_pdeathsig(Signal::SIGKILL)?; // whatever happens to the primary
    if getppid() != primary {
        return Ok(()); // it has happened already
    }
    SigSet::from(Signal::SIGINT).thread_block()?; // the primary decides
    let warning = SigSet::from(Signal::SIGTERM);
    let stubborn = play.stubborn && number == STUBBORN;
    if stubborn {
        warning.thread_block()?;
    }
    tell.write_all(&[LISTENS])?;
    while let Ok((visitor, _)) = play.listener.accept() {
        attend(play, number, Guest::new(visitor), &mut tell)?;
    }
    tell.write_all(&[HAS_SERVED])?;
    match stubborn {
        false => Ok(()),
        true => loop {
            warning.wait()?; // SIGTERM is blocked, so it ends nobody
            tell.write_all(&[WARNED])?;
        },
    }
}

fn attend(
    play: &Play,
    number: u32,
    mut guest: Guest,
    tell: &mut PipeWriter,
) -> Outcome {
    while has_begun_before(&play.the_end, &mut guest, PATIENCE).unwrap_or(false)
    {
        tell.write_all(&[BEGINS])?;
        let request = match guest.next_request(PATIENCE) {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(refusal) => {
                guest.refuse(&refusal);
                break;
            }
        };
        // This is the work.
        std::thread::sleep(time(&request));
        let stays = request.keep_alive && !is_here(&play.the_end);
        guest.answer(&answer(number, stays))?;
        tell.write_all(&[ANSWERED])?;
        if !stays {
            break;
        }
    }
    Ok(())
}
