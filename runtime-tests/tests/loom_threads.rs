//! Loom models of the pool for blocking functions, of look-ups of names, and of outcomes that pass
//! between threads.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{handover, lookup, pool};

models! {
    holds {
    an_outcome_has_one_winner = handover::an_outcome_has_one_winner,
    a_wait_that_gives_up_loses_nothing = handover::a_wait_that_gives_up_loses_nothing,
    a_poll_is_told_of_the_end = handover::a_poll_is_told_of_the_end,
    every_sleeper_is_told = handover::every_sleeper_is_told,
    a_value_at_the_last_moment_is_seen = handover::a_value_at_the_last_moment_is_seen,
    a_callback_is_run_by_one_of_them = handover::a_callback_is_run_by_one_of_them,
    a_job_for_a_tired_thread_is_run = pool::a_job_for_a_tired_thread_is_run,
    a_job_submitted_while_the_pool_closes_is_accounted_for =
        pool::a_job_submitted_while_the_pool_closes_is_accounted_for,
    a_job_submitted_while_the_thread_leaves_is_run =
        pool::a_job_submitted_while_the_thread_leaves_is_run,
    a_task_is_woken_at_the_end = pool::a_task_is_woken_at_the_end,
    a_job_without_a_thread_is_refused = pool::a_job_without_a_thread_is_refused,
    who_asks_the_same_is_answered = lookup::who_asks_the_same_is_answered,
    }
    fails {
    a_completion_is_decided_under_the_lock = handover::without_a_decision_under_the_lock,
        "one of them wins",
    the_sleeper_is_told = handover::without_a_word_to_the_sleeper, "deadlock",
    the_other_sleeper_is_told = handover::without_a_word_to_the_other_sleeper, "deadlock",
    the_last_look_counts = handover::without_the_last_look, "it was there in time",
    a_callback_is_added_under_the_lock = handover::without_the_lock_of_a_callback,
        "the callback was lost",
    a_tired_thread_looks_at_the_queue = pool::without_a_look_at_the_queue, "deadlock",
    a_wake_up_ends = pool::without_the_end_of_a_wake_up, "deadlock",
    a_thread_leaves_under_the_lock = pool::without_leaving_under_the_lock, "left: 1",
    a_thread_looks_for_waiters_after_it_has_left = pool::without_a_look_after_the_leave,
        "deadlock",
    a_refusal_is_an_error = pool::without_the_refusal, "NoThread",
    a_look_up_is_given_up_under_the_lock = lookup::without_a_decision_under_the_lock, "deadlock",
    an_answer_comes_before_the_wake_up = lookup::without_the_answer_first, "deadlock",
    }
}
