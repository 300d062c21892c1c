//! Signals: handlers, streams, and what ends a `run`.

#[path = "signals/handlers.rs"]
mod handlers;
#[path = "signals/interrupts.rs"]
mod interrupts;
