//! Which runtimes run a workload: the usual lists, written once.

/// The runtimes of a workload that every runtime can run; with a script, Python too.
macro_rules! all {
    ($($run:ident)::+ $(, $script:path)?) => {
        &[
            (Runtime::Asyncio, $($run)::+::<Asyncio>),
            (Runtime::Tokio, $($run)::+::<Tokio>),
            (Runtime::Smol, $($run)::+::<Smol>),
            $((Runtime::Python, $script),)?
        ]
    };
}

/// The runtimes of a workload on queues: crates that have only queues too.
macro_rules! queues {
    ($($run:ident)::+ $(, $script:path)?) => {
        &[
            (Runtime::Asyncio, $($run)::+::<Asyncio>),
            (Runtime::Tokio, $($run)::+::<Tokio>),
            (Runtime::Smol, $($run)::+::<Smol>),
            (Runtime::Flume, $($run)::+::<Flume>),
            (Runtime::Kanal, $($run)::+::<Kanal>),
            $((Runtime::Python, $script),)?
        ]
    };
}

/// asyncio and tokio; with scripts, Python and uvloop too.
macro_rules! both {
    ($module:ident::$run:ident $(, $python:path $(, $uvloop:path)?)?) => {
        &[
            (Runtime::Asyncio, $module::$run::<Asyncio>),
            (Runtime::Tokio, $module::$run::<Tokio>),
            $((Runtime::Python, $python), $((Runtime::Uvloop, $uvloop),)?)?
        ]
    };
}

/// The runtimes that have sockets, and a program without one.
macro_rules! with_bare {
    ($module:ident::$run:ident, $bare:path) => {
        &[
            (Runtime::Asyncio, $module::$run::<Asyncio>),
            (Runtime::Tokio, $module::$run::<Tokio>),
            (Runtime::Smol, $module::$run::<Smol>),
            (Runtime::Bare, $bare),
        ]
    };
}

/// The runtimes of a workload that asks a server over so many connections.
macro_rules! echo {
    ($connections:literal) => {
        &[
            (Runtime::Asyncio, sockets::echo::<Asyncio, $connections>),
            (Runtime::Tokio, sockets::echo::<Tokio, $connections>),
            (Runtime::Smol, sockets::echo::<Smol, $connections>),
            (Runtime::Bare, sockets::bare_echo::<$connections>),
            (Runtime::Python, sockets::python_echo::<$connections>),
            (Runtime::Uvloop, sockets::uvloop_echo::<$connections>),
        ]
    };
}

pub(crate) use {all, both, echo, queues, with_bare};
