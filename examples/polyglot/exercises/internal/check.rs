//! Messages of both kinds, and some that only look like it.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Exercise, Verdict, same};
use serde_json::{Value, json};

type IsInternal = fn(&Value) -> bool;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::is_internal, solution::is_internal)
}

fn judge(_: Role, is_internal: IsInternal) -> Verdict {
    for (message, internal) in [
        (json!({ "cmd": "NODE_CLUSTER", "act": "online" }), true),
        (json!({ "cmd": "NODE_HANDLE_ACK" }), true),
        (json!({ "cmd": "NODE_X" }), true),
        (json!({ "cmd": "NODE_" }), false),
        (json!({ "cmd": "stop" }), false),
        (json!({ "cmd": "node_cluster" }), false),
        (json!({ "cmd": "A NODE_CLUSTER" }), false),
        (json!({ "cmd": 7 }), false),
        (json!({ "cmd": ["NODE_CLUSTER"] }), false),
        (json!({ "cmd": null }), false),
        (json!({ "act": "NODE_CLUSTER" }), false),
        (json!("NODE_CLUSTER"), false),
        (json!(["cmd", "NODE_CLUSTER"]), false),
        (json!(42), false),
        (json!(null), false),
    ] {
        let what = format!("{message} is internal");
        same(what, internal, is_internal(&message))?;
    }
    Ok(())
}
