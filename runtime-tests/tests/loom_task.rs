//! Loom models of a task that several threads use.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{cancel, forward, free, give_back, join, uncancel, wait_list, wake};
use asyncio::models::{
    cycle, detach, merge, message, publication, request, shutdown_request, waiter,
};

models! {
    holds {
        no_wake_is_lost = wake::no_wake_is_lost,
        a_task_ends_once = cancel::a_task_ends_once,
        the_awaiter_gets_the_output = join::the_awaiter_gets_the_output,
        a_dropped_handle_drops_the_output = join::a_dropped_handle_drops_the_output,
        the_last_one_frees = free::the_last_one_frees,
        the_other_request_is_delivered = uncancel::the_other_request_is_delivered,
        a_withdrawn_request_is_not_delivered = uncancel::a_withdrawn_request_is_not_delivered,
        late_callbacks_keep_their_order = wait_list::late_callbacks_keep_their_order,
        no_callback_is_left_behind = wait_list::no_callback_is_left_behind,
        what_is_given_back_is_seen = give_back::what_is_given_back_is_seen,
        who_cancels_knows_whether_it_was_met = forward::who_cancels_knows_whether_it_was_met,
        the_first_message_is_delivered = message::the_first_message_is_delivered,
        who_meets_a_request_sees_what_came_before_it = request::who_meets_a_request_sees_what_came_before_it,
        the_output_is_dropped_after_the_handle = detach::the_output_is_dropped_after_the_handle,
        the_side_allocation_is_whole = publication::the_side_allocation_is_whole,
        the_context_is_whole = publication::the_context_is_whole,
        who_comes_during_the_end_is_told = waiter::who_comes_during_the_end_is_told,
        the_shutdown_request_comes_once = shutdown_request::the_request_comes_once,
        a_cycle_ends_where_one_passes_on = cycle::a_cycle_ends_where_one_passes_on,
        a_cycle_that_is_cancelled_ends = cycle::a_cycle_that_is_cancelled_ends,
        what_was_asked_for_before_is_a_part_of_it = merge::what_was_asked_for_before_is_a_part_of_it,
        what_is_asked_for_afterwards_comes = merge::what_is_asked_for_afterwards_comes,
        the_older_and_the_newer_are_told_apart = merge::the_older_and_the_newer_are_told_apart,
    }
    fails {
        a_wake_during_a_poll_counts = wake::without_the_wake_during_a_poll, "a wake was lost",
        a_second_wake_publishes = wake::without_the_release_of_a_second_wake, "a wake was lost",
        a_cancel_goes_through_the_queue = cancel::without_the_way_through_the_queue, "cell",
        the_end_publishes_the_output = join::without_the_release_of_the_output, "ausal",
        the_last_reference_acquires = free::without_the_acquire_of_the_last, "ausal",
        an_uncancel_is_one_step = uncancel::without_one_step_for_both, "a request was lost",
        an_uncancel_withdraws = uncancel::without_the_withdrawal, "delivered after it was withdrawn",
        one_notifies_at_a_time = wait_list::without_one_notifier, "not each once, in order",
        a_claim_is_noted = forward::without_a_note_of_the_claim,
            "one that was met does not know it",
        the_word_comes_before_the_wake = give_back::without_the_word_before_the_wake,
            "woken, and nothing to be seen",
        a_request_is_counted_under_the_lock = message::without_the_count_in_the_lock, "not its own message",
        a_message_is_set_aside = message::without_the_message_set_aside, "not its own message",
        what_is_taken_along_is_noted = merge::without_a_note_of_what_is_taken_along, "met, and nobody knows",
        a_request_publishes = request::without_the_release_of_a_request, "ausal",
        a_dropped_handle_publishes = detach::without_the_release_of_the_handle, "ausal",
        an_early_drop_acquires = detach::without_the_acquire_of_the_early_drop, "ausal",
        the_side_is_stored_with_a_release = publication::without_the_release_of_the_side, "ausal",
        the_side_is_found_with_an_acquire = publication::without_the_acquire_of_the_side, "ausal",
        the_context_is_stored_with_a_release = publication::without_the_release_of_the_context, "ausal",
        the_context_is_found_with_an_acquire = publication::without_the_acquire_of_the_context, "ausal",
        a_waiter_looks_again = waiter::without_another_look_of_the_waiter, "deadlock",
        a_callback_looks_for_the_end = waiter::without_a_look_after_the_callback, "not called once",
        an_earlier_shutdown_request_is_looked_for = shutdown_request::without_a_look_for_an_earlier_one, "not once",
        the_edge_comes_first = cycle::without_the_edge_first, "they wait for each other",
        an_older_request_is_not_delivered = merge::without_the_age_of_the_request, "an older request interrupts",
        a_newer_request_is_delivered = merge::without_the_delivery_of_the_newer, "a request was lost",
        the_notifier_looks_again = wait_list::without_another_look, "not each once, in order",
    }
}
