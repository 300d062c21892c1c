//! Loom models of parking and unparking one thread.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::park;

models! {
    holds {
        a_parked_thread_wakes_up = park::a_parked_thread_wakes_up,
        a_polling_thread_wakes_up = park::a_polling_thread_wakes_up,
    }
    fails {
        the_token_is_kept = park::without_the_token, "deadlock",
        the_token_is_kept_in_the_poller = park::without_the_token_in_the_poller, "deadlock",
    }
}
