//! How a loop ends, in every order.
#![cfg(asyncio_loom)]

use asyncio::models::end;

#[test]
fn a_task_ends_while_its_loop_shuts_down() {
    end::a_task_ends_while_its_loop_shuts_down();
}
