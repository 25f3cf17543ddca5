//! Modify: tell everybody, but not the one who said it.
//!
//! In a chat, what one worker says goes to all the others. Below, it goes to
//! everybody. In the end the worker `but` is left out, and all others hear it.
//!
//! These help: `Primary::workers` and `Primary::send`. See
//! `cargo doc -p cluster --no-deps --open`

use cluster::{Error, Primary, WorkerId};

pub fn tell_others(
    primary: &mut Primary,
    but: WorkerId,
    text: &str,
) -> Result<(), Error> {
    todo!("leave out the worker `but`");
    primary.broadcast(text)?;
    Ok(())
}
