//! Loom models of timers, the poller and the paused clock that several threads use.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{closing, earliest, expiry, interrupt, paused_clock, poller, shot};

models! {
    holds {
        the_new_waker_wins = expiry::the_new_waker_wins,
        a_cancelled_timer_stays_silent = expiry::a_cancelled_timer_stays_silent,
        a_shot_that_was_taken_is_not_waited_for = shot::a_shot_that_was_taken_is_not_waited_for,
        a_deadline_that_comes_again_ends_the_wait = shot::a_deadline_that_comes_again_ends_the_wait,
        the_earlier_of_two_is_the_next = earliest::the_earlier_of_two_is_the_next,
        the_earlier_of_two_is_the_next_after_a_cancel =
            earliest::the_earlier_of_two_is_the_next_after_a_cancel,
        a_timer_is_refused_or_woken = closing::a_timer_is_refused_or_woken,
        the_poller_is_left_for_a_task = poller::the_poller_is_left_for_a_task,
        somebody_is_in_the_poller = poller::somebody_is_in_the_poller,
        who_serves_early_leaves_the_poller_to_somebody =
        poller::who_serves_early_leaves_the_poller_to_somebody,
        a_notified_wait_returns = interrupt::a_notified_wait_returns,
        a_notified_wait_returns_beside_a_timer = interrupt::a_notified_wait_returns_beside_a_timer,
        a_notified_look_returns = paused_clock::a_notified_look_returns,
        a_notified_look_returns_beside_another = paused_clock::a_notified_look_returns_beside_another,
        an_inhibitor_holds_at_once = paused_clock::an_inhibitor_holds_at_once,
        who_works_sees_one_time = paused_clock::who_works_sees_one_time,
        no_timer_is_jumped_over = paused_clock::no_timer_is_jumped_over,
        an_advance_ends = paused_clock::an_advance_ends,
        time_does_not_jump_over_what_a_worker_leaves =
        paused_clock::time_does_not_jump_over_what_a_worker_leaves,
        time_does_not_jump_over_what_is_due = paused_clock::time_does_not_jump_over_what_is_due,
        a_hold_that_was_lent_is_taken_back_once =
        paused_clock::a_hold_that_was_lent_is_taken_back_once,
    }
    fails {
        a_shot_is_told = expiry::without_the_word_of_the_shot, "the new waker is woken once",
        the_cancelled_are_listed = expiry::without_the_list_of_the_cancelled,
        "a timer fired after its cancel",
        a_shot_ends_the_belief = shot::without_the_end_of_the_belief, "deadlock",
        a_shot_ends_the_belief_in_a_deadline = shot::without_the_end_of_the_belief_in_a_deadline,
        "deadlock",
        the_next_deadline_is_published_under_the_lock =
            earliest::without_the_lock_for_the_next_deadline, "the earlier one waits too long",
        a_closed_wheel_refuses = closing::without_the_refusal, "a timer is left",
        the_role_is_given_back = poller::without_the_role_given_back, "deadlock",
        the_role_is_taken_in_one_step = poller::without_one_step_for_the_role,
        "two threads are in the poller",
        a_token_is_left_in_one_step = interrupt::without_one_step_for_the_token, "deadlock",
        a_look_forgets_no_interrupt = paused_clock::without_the_interrupt_that_was_there, "deadlock",
        a_jump_is_locked = paused_clock::without_the_lock_for_the_jump, "time moved",
        who_works_lets_a_jump_be_over = paused_clock::without_the_pass, "time moved",
        a_departure_comes_after_the_spill = paused_clock::without_the_spill_before_the_departure,
        "time jumped over a task",
        the_role_is_kept_until_awake = paused_clock::without_awake_before_the_role,
        "time jumped over a task",
        a_hold_is_taken_back_in_one_step = paused_clock::without_one_step_for_the_hold,
        "it is held twice",
        an_advance_is_told = paused_clock::without_the_look_for_an_advance, "deadlock",
        quiet_comes_before_the_deadline = paused_clock::without_quiet_before_the_deadline,
        "time jumped over a timer",
    }
}
