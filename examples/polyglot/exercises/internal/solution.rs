//! `strip_prefix` says both: whether it begins like that, and what comes after.

use serde_json::Value;

pub fn is_internal(message: &Value) -> bool {
    let cmd = message.get("cmd").and_then(Value::as_str);
    let rest = cmd.and_then(|cmd| cmd.strip_prefix("NODE_"));
    rest.is_some_and(|rest| !rest.is_empty())
}
