//! A task in the hands of several threads, in every order.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{audience, cancel, forward, free, give_back, join, uncancel, wake};

models! {
    holds {
        no_wake_is_lost = wake::no_wake_is_lost,
        a_task_ends_once = cancel::a_task_ends_once,
        the_awaiter_gets_the_output = join::the_awaiter_gets_the_output,
        a_dropped_handle_drops_the_output = join::a_dropped_handle_drops_the_output,
        the_last_one_frees = free::the_last_one_frees,
        the_other_request_is_delivered = uncancel::the_other_request_is_delivered,
        a_withdrawn_request_is_not_delivered = uncancel::a_withdrawn_request_is_not_delivered,
        late_callbacks_keep_their_order = audience::late_callbacks_keep_their_order,
        no_callback_is_left_behind = audience::no_callback_is_left_behind,
        what_is_given_back_is_seen = give_back::what_is_given_back_is_seen,
        who_cancels_knows_whether_it_was_met = forward::who_cancels_knows_whether_it_was_met,
    }
    fails {
        a_wake_during_a_poll_counts = wake::without_the_wake_during_a_poll, "a wake was lost",
        a_second_wake_publishes = wake::without_the_release_of_a_second_wake, "a wake was lost",
        a_cancel_goes_through_the_queue = cancel::without_the_way_through_the_queue, "cell",
        the_end_publishes_the_output = join::without_the_release_of_the_output, "ausal",
        the_last_reference_acquires = free::without_the_acquire_of_the_last, "ausal",
        an_uncancel_is_one_step = uncancel::without_one_step_for_both, "a request was lost",
        an_uncancel_withdraws = uncancel::without_the_withdrawal, "delivered after it was withdrawn",
        one_tells_at_a_time = audience::without_one_teller, "not each once, in order",
        a_claim_is_noted = forward::without_a_note_of_the_claim,
            "one that was met does not know it",
        the_word_comes_before_the_wake = give_back::without_the_word_before_the_wake,
            "woken, and nothing to be seen",
        the_teller_looks_again = audience::without_another_look, "not each once, in order",
    }
}
