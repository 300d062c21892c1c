//! Loom models of work that is added while workers start, park and leave.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{idle, inbox, monitor, replace, stacked, steal_slot, submit, timer};

models! {
    holds {
        work_is_found_by_a_worker_that_goes_to_sleep =
        idle::work_is_found_by_a_worker_that_goes_to_sleep,
        work_is_found_by_one_of_two = idle::work_is_found_by_one_of_two,
        a_worker_that_finds_work_is_replaced = idle::a_worker_that_finds_work_is_replaced,
        a_worker_leaves_nothing_behind = idle::a_worker_leaves_nothing_behind,
        a_worker_that_blocks_is_replaced = replace::a_worker_that_blocks_is_replaced,
        what_is_sent_is_received = inbox::what_is_sent_is_received,
        a_new_task_is_stolen = steal_slot::a_new_task_is_stolen,
        a_worker_that_comes_wakes_the_monitor = monitor::a_worker_that_comes_wakes_the_monitor,
        a_worker_that_is_woken_sets_the_alarm = monitor::a_worker_that_is_woken_sets_the_alarm,
        a_worker_that_goes_to_sleep_looks_at_the_stack =
        stacked::a_worker_that_goes_to_sleep_looks_at_the_stack,
        a_submitted_task_is_run_and_its_result_comes_back =
        submit::a_submitted_task_is_run_and_its_result_comes_back,
        a_task_submitted_while_its_loop_closes_is_not_forgotten =
        submit::a_task_submitted_while_its_loop_closes_is_not_forgotten,
        an_earlier_timer_ends_the_wait = timer::an_earlier_timer_ends_the_wait,
        an_earlier_timer_ends_the_wait_after_a_cancel =
        timer::an_earlier_timer_ends_the_wait_after_a_cancel,
    }
    fails {
        a_sleeper_looks_again = idle::without_the_second_look, "deadlock",
        a_searcher_is_replaced = idle::without_the_replacement, "deadlock",
        a_queue_is_spilled = idle::without_the_spill, "deadlock",
        a_stand_in_asks_before_it_rests = replace::without_the_question_before_the_rest, "deadlock",
        an_inbox_is_filled_first = inbox::without_the_push_before_the_word, "deadlock",
        an_inbox_is_cleared_under_its_lock = inbox::without_the_lock_for_the_word, "deadlock",
        an_inbox_wakes_its_thread = inbox::without_the_wake_of_the_thread, "deadlock",
        a_slot_publishes = steal_slot::without_the_order_of_the_slot, "ausality violation",
        the_park_has_a_fence = monitor::without_the_fence_of_the_park, "deadlock",
        the_worker_has_a_fence = monitor::without_the_fence_of_the_worker, "deadlock",
        the_worker_looks_for_the_monitor = monitor::without_the_look_of_the_worker, "deadlock",
        a_thread_notes_whom_it_wakes_first = monitor::without_the_note_of_the_first, "deadlock",
        a_sleeper_looks_at_the_stack = stacked::without_the_look_at_the_stack, "deadlock",
        the_end_of_a_poll_looks_at_the_stack = stacked::without_the_look_after_the_poll, "deadlock",
        a_push_comes_first = submit::without_the_push_before_the_word, "deadlock",
        a_push_is_locked = submit::without_the_lock_of_a_push, "is forgotten",
        an_insertion_looks_at_the_sleeper = timer::without_the_look_at_the_sleeper, "deadlock",
    }
}
