//! The cluster layer's messages: `{"cmd":"NODE_CLUSTER", …, "seq":N}`, fields in Node's order.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::HandleKind;

/// A message of the cluster layer on its way out. Fields that are `None` are left out; the order of
/// the fields is the order in which Node writes them, for every kind of message.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    pub cmd: Cmd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<&'static str>,
    /// Of a reply: `null` (the primary distributes), 0 (a shared socket comes along), or a negative
    /// errno.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errno: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sockname: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_type: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readable_all: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writable_all: Option<bool>,
    /// Ours, ignored by Node. In `queryServer` and its reply: this side knows `waiting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<bool>,
    /// Ours. In `waiting`: how many connections may be handed over in all, since the worker listens
    /// there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<u64>,
    /// Ours, ignored by Node. In `queryServer`: a shared socket should be in blocking mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocking: Option<bool>,
    /// Ours, ignored by Node. In `online`: this worker says `taken`, and understands `drain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<&'static str>,
    /// Ours. In `taken`: how many bytes of messages the program has taken, as lines on the channel,
    /// since it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<u64>,
    pub seq: u64,
}

/// Serializes as the one word `NODE_CLUSTER`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) enum Cmd {
    #[default]
    #[serde(rename = "NODE_CLUSTER")]
    Cluster,
}

impl Envelope {
    /// `act` alone: `online`, `disconnect`, `exitedAfterDisconnect`.
    pub(crate) fn act(act: &'static str, seq: u64) -> Envelope {
        Envelope { act: Some(act), seq, ..Envelope::default() }
    }

    /// `act` on a listener: `newconn`, `close`, `waiting`.
    pub(crate) fn on(act: &'static str, key: &str, seq: u64) -> Envelope {
        Envelope { key: Some(key.to_owned()), ..Envelope::act(act, seq) }
    }

    /// The bare answer to the request `ack`.
    pub(crate) fn answer(ack: u64, seq: u64) -> Envelope {
        Envelope { ack: Some(ack), seq, ..Envelope::default() }
    }
}

/// What Node puts around a message of the cluster layer that brings a socket.
#[derive(Debug, Serialize)]
pub(crate) struct WithSocket {
    cmd: &'static str,
    r#type: &'static str,
    msg: Envelope,
}

impl WithSocket {
    pub(crate) fn new(msg: Envelope, kind: HandleKind) -> WithSocket {
        let r#type = match kind {
            HandleKind::Datagram => "dgram.Native",
            HandleKind::Stream | HandleKind::Listener => "net.Native",
        };
        WithSocket { cmd: "NODE_HANDLE", r#type, msg }
    }
}

/// A message of the cluster layer that came in. Fields are looked at one by one, so that an unknown
/// or odd one does no harm.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received(pub(crate) Map<String, Value>);

impl Received {
    pub(crate) fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field)?.as_str()
    }

    pub(crate) fn number(&self, field: &str) -> Option<i64> {
        self.0.get(field)?.as_i64()
    }

    /// A number that counts something: never below zero.
    pub(crate) fn count(&self, field: &str) -> Option<u64> {
        self.0.get(field)?.as_u64()
    }

    pub(crate) fn is_true(&self, field: &str) -> bool {
        self.0.get(field) == Some(&Value::Bool(true))
    }

    pub(crate) fn act(&self) -> Option<&str> {
        self.text("act")
    }

    /// The number that an answer to this message has to carry.
    pub(crate) fn seq(&self) -> Option<u64> {
        self.0.get("seq")?.as_u64()
    }

    /// The request that this message answers.
    pub(crate) fn ack(&self) -> Option<u64> {
        self.0.get("ack")?.as_u64()
    }
}
