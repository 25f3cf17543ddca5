//! Preloaded (ld.so(8)) into a telling of a lesson: its workers end otherwise than they are asked
//! to, namely as `OTHERWISE` says.
//!
//! A worker is what has `NODE_UNIQUE_ID` in its environment, and every child of fork(2) that goes
//! on without exec(2). Compiled by `tests/ends.rs` itself.

use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed};

unsafe extern "C" {
    fn _Exit(code: c_int) -> !;
    fn getenv(name: *const c_char) -> *const c_char;
    fn getpid() -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
}

const SIGKILL: c_int = 9;

/// The process that was started; a child of fork(2) has another number.
static STARTED: AtomicI32 = AtomicI32::new(0);
static WORKER: AtomicBool = AtomicBool::new(false);
/// The exit code; 0: killed.
static CODE: AtomicI32 = AtomicI32::new(0);

#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: extern "C" fn() = begin;

#[used]
#[unsafe(link_section = ".fini_array")]
static END: extern "C" fn() = end;

extern "C" fn begin() {
    // SAFETY: the names end with a zero, and no other thread changes the environment yet.
    let (worker, code) =
        unsafe { (getenv(c"NODE_UNIQUE_ID".as_ptr()), getenv(c"OTHERWISE".as_ptr())) };
    WORKER.store(!worker.is_null(), Relaxed);
    // SAFETY: it is a text that ends with a zero.
    let code = (!code.is_null()).then(|| unsafe { std::ffi::CStr::from_ptr(code) });
    let code = code.and_then(|code| code.to_str().ok()?.parse().ok());
    CODE.store(code.unwrap_or(0), Relaxed);
    // SAFETY: getpid(2) has no preconditions.
    STARTED.store(unsafe { getpid() }, Relaxed);
}

/// exit(3) comes by here.
extern "C" fn end() {
    // SAFETY: none of these has preconditions.
    unsafe {
        if WORKER.load(Relaxed) || getpid() != STARTED.load(Relaxed) {
            match CODE.load(Relaxed) {
                0 => drop(kill(getpid(), SIGKILL)),
                code => _Exit(code),
            }
        }
    }
}

/// And so does whoever leaves at once.
#[unsafe(no_mangle)]
pub extern "C" fn _exit(code: c_int) -> ! {
    end();
    // SAFETY: it has no preconditions.
    unsafe { _Exit(code) }
}
