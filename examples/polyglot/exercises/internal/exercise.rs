//! Modify: whose message is it, the program's or the cluster's?
//!
//! On one channel travel what programs say to each other, and what the two
//! clusters say, such as `{"cmd":"NODE_CLUSTER","act":"online"}`. Below, all
//! that has a `cmd` counts as the cluster's, and a program that sends
//! `{"cmd":"stop"}` is never heard. In the end Node's own rule holds: a message
//! is internal if its `cmd` is a text that begins with `NODE_` and goes on
//! after that.
//!
//! These help: the documentation of `serde_json::Value`; page `polyglot`.

use serde_json::Value;

pub fn is_internal(message: &Value) -> bool {
    let cmd = message.get("cmd");
    todo!("look at what `cmd` says, too");
    cmd.is_some()
}
