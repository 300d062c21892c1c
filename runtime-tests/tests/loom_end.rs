//! Loom models of the end of a loop.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{end, stop};

models! {
    holds {
        a_task_ends_while_its_loop_shuts_down = end::a_task_ends_while_its_loop_shuts_down,
        the_callback_of_the_last_task_runs = end::the_callback_of_the_last_task_runs,
        a_late_notifier_is_waited_for = end::a_late_notifier_is_waited_for,
        a_shutdown_leaves_nobody = end::a_shutdown_leaves_nobody,
        a_forced_end_forgets_nobody = end::a_forced_end_forgets_nobody,
        every_thread_is_joined = end::every_thread_is_joined,
        every_worker_is_told_to_stop = stop::every_worker_is_told_to_stop,
    }
    fails {
        the_last_end_is_told = end::without_a_word_of_the_last_end, "deadlock",
        a_removal_comes_after_the_notifying = end::without_the_notifying_before_the_removal,
            "the callback was lost",
        late_tellers_are_counted = end::without_the_count_of_tellers, "the callback was lost",
        a_drained_queue_is_closed = end::without_the_closed_queue, "is forgotten",
        every_worker_is_told = end::without_a_word_to_every_worker, "deadlock",
        no_worker_is_left_asleep = stop::without_the_other_wakes, "deadlock",
    }
}
