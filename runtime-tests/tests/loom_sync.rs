//! Loom models of what locks and queues wait on, and of the locks and queues themselves.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{
    barrier, barrier_abort, broadcast, capacity_limiter, channel, channel_ends, condition, event,
    left_reference, lock, once_cell, permits, priority_queue, queue, queue_shutdown, rw_lock,
    semaphore, turns, watch,
};

models! {
    holds {
        one_holds_it_at_a_time = permits::one_holds_it_at_a_time,
        who_gives_up_passes_it_on = permits::who_gives_up_passes_it_on,
        a_turn_that_is_not_used_is_passed_on = turns::a_turn_that_is_not_used_is_passed_on,
        a_turn_whose_waiter_goes_away_is_not_lost = turns::a_turn_whose_waiter_goes_away_is_not_lost,
        a_lock_is_handed_over = lock::a_lock_is_handed_over,
        a_notification_is_passed_on = condition::a_notification_is_passed_on,
        a_notification_is_not_kept_by_a_task = condition::a_notification_is_not_kept_by_a_task,
        who_goes_away_is_not_counted = barrier::who_goes_away_is_not_counted,
        two_meetings_do_not_mix = barrier::two_meetings_do_not_mix,
        nobody_sleeps_through_a_set = event::nobody_sleeps_through_a_set,
        a_clear_takes_nothing_back = event::a_clear_takes_nothing_back,
        a_slot_is_neither_lost_nor_doubled = queue::a_slot_is_neither_lost_nor_doubled,
        an_item_is_neither_lost_nor_doubled = queue::an_item_is_neither_lost_nor_doubled,
        a_putter_does_not_sleep_through_the_shutdown =
            queue_shutdown::a_putter_does_not_sleep_through_the_shutdown,
        a_getter_does_not_sleep_through_the_shutdown =
            queue_shutdown::a_getter_does_not_sleep_through_the_shutdown,
        an_item_is_got_or_dropped = queue_shutdown::an_item_is_got_or_dropped,
        one_value_is_made = once_cell::one_value_is_made,
        readers_and_writers_exclude_each_other = rw_lock::readers_and_writers_exclude_each_other,
        nobody_sleeps_through_a_change = watch::nobody_sleeps_through_a_change,
        nobody_sleeps_through_the_end = watch::nobody_sleeps_through_the_end,
        no_change_is_lost = watch::no_change_is_lost,
        what_has_entered_is_got = priority_queue::what_has_entered_is_got,
        what_enters_late_is_dropped = priority_queue::what_enters_late_is_dropped,
        a_receiver_gets_the_value_and_the_end = channel::a_receiver_gets_the_value_and_the_end,
        nobody_sleeps_through_a_value = broadcast::nobody_sleeps_through_a_value,
        what_is_missed_is_counted = broadcast::what_is_missed_is_counted,
        the_end_comes_after_the_value = broadcast::the_end_comes_after_the_value,
        who_goes_away_gives_its_values_up = broadcast::who_goes_away_gives_its_values_up,
        who_waits_for_many_and_goes_lets_others_go =
            semaphore::who_waits_for_many_and_goes_lets_others_go,
        who_was_granted_many_gives_all_back = semaphore::who_was_granted_many_gives_all_back,
        permits_that_come_one_by_one_add_up = semaphore::permits_that_come_one_by_one_add_up,
        both_meet_or_both_are_sent_away = barrier_abort::both_meet_or_both_are_sent_away,
        a_complete_group_is_not_broken = barrier_abort::a_complete_group_is_not_broken,
        who_is_sent_away_meets_later = barrier_abort::who_is_sent_away_meets_later,
        a_borrower_may_come_again = capacity_limiter::a_borrower_may_come_again,
        a_borrower_has_one_token_at_a_time = capacity_limiter::a_borrower_has_one_token_at_a_time,
        a_token_that_is_refused_goes_to_the_next =
            capacity_limiter::a_token_that_is_refused_goes_to_the_next,
        what_a_sink_has_sent_is_received = channel_ends::what_a_sink_has_sent_is_received,
        a_slot_of_a_sink_goes_to_the_next = channel_ends::a_slot_of_a_sink_goes_to_the_next,
        a_stream_ends_when_the_sink_is_closed = channel_ends::a_stream_ends_when_the_sink_is_closed,
        a_sink_is_told_that_nobody_receives = channel_ends::a_sink_is_told_that_nobody_receives,
        a_reference_that_is_left_is_taken = left_reference::a_reference_that_is_left_is_taken,
    }
    fails {
        a_release_publishes = permits::without_the_release_of_a_permit, "ausal",
        who_gives_up_returns_its_grant = permits::without_the_return_of_a_grant, "deadlock",
        a_turn_goes_to_the_next = turns::without_the_next_in_line, "deadlock",
        a_turn_is_not_kept = turns::without_the_return_of_a_turn, "the permit is lost",
        who_gives_up_returns_the_lock = lock::without_the_return_of_the_lock, "deadlock",
        permits_that_go_back_are_published = lock::without_the_release_of_the_word, "ausal",
        permits_that_are_taken_out_are_acquired = lock::without_the_acquire_of_the_word, "ausal",
        who_goes_away_passes_a_notification_on =
            condition::without_the_return_of_a_notification, "deadlock",
        who_goes_on_uses_its_notification =
            condition::without_the_use_of_a_notification, "a notification is doubled",
        a_task_passes_a_notification_on =
            condition::without_the_next_to_be_notified, "deadlock",
        the_last_lets_the_others_go = barrier::without_the_others_of_the_group, "they have not met",
        a_group_goes_once = barrier::without_the_end_of_a_meeting, "meeting mixes",
        who_sets_looks_for_waiters = event::without_the_look_for_waiters, "deadlock",
        a_set_publishes = event::without_the_release_of_a_set, "ausal",
        a_set_counts_for_those_in_line = event::without_the_promise_to_waiters, "deadlock",
        a_putter_returns_its_slot = queue::without_the_return_of_a_slot, "deadlock",
        a_getter_returns_its_item = queue::without_the_return_of_an_item, "deadlock",
        an_item_is_promised_once =
            queue::without_the_promise_of_an_item, "an item is promised twice",
        a_shutdown_wakes_the_putters = queue_shutdown::without_the_wake_of_putters, "deadlock",
        the_last_item_ends_the_wait = queue_shutdown::without_the_end_of_the_items, "deadlock",
        who_gives_up_returns_the_right = once_cell::without_the_return_of_the_right, "deadlock",
        a_value_is_published = once_cell::without_the_release_of_the_value, "ausal",
        a_writer_that_goes_makes_room = rw_lock::without_those_behind_a_writer, "deadlock",
        a_reader_publishes = rw_lock::without_the_release_of_the_lock, "ausal",
        a_change_wakes_the_receivers = watch::without_the_wake_of_receivers, "deadlock",
        a_value_has_its_version = watch::without_the_version_of_the_value, "deadlock",
        a_sender_that_goes_tells = watch::without_the_end_of_the_changes, "deadlock",
        a_change_is_made_under_the_lock = watch::without_the_lock_of_the_changes, "deadlock",
        an_item_that_enters_is_waited_for =
            priority_queue::without_the_wait_for_the_item, "the item is lost",
        an_item_that_comes_late_is_dropped =
            priority_queue::without_the_drop_of_the_item, "an item stays in the heap",
        a_reference_is_left_by_who_has_the_right_to_run =
            left_reference::without_the_right_to_run, "leaked",
        the_end_releases_the_reference =
            left_reference::without_the_release_of_the_reference, "leaked",
        the_last_sender_tells = channel::without_the_last_word_of_the_senders, "deadlock",
        a_value_wakes_the_receivers = broadcast::without_the_wake_for_a_value, "deadlock",
        who_begins_to_wait_looks_again = broadcast::without_the_look_before_the_wait, "deadlock",
        the_missed_are_counted_under_the_lock = broadcast::without_the_lock_of_the_count,
            "the count of the missed values is wrong",
        the_last_of_the_senders_tells_all =
            broadcast::without_the_word_of_the_last_sender, "deadlock",
        a_receiver_leaves_under_the_lock =
            broadcast::without_the_lock_of_the_leave, "a value is kept for nobody",
        who_waits_for_many_makes_room =
            semaphore::without_those_behind_a_large_waiter, "deadlock",
        who_gives_up_returns_its_permits = semaphore::without_the_return_of_many, "deadlock",
        who_gives_up_returns_them_all =
            semaphore::without_the_return_of_all, "a permit is lost",
        a_release_is_one_step = semaphore::without_the_exchange_of_the_word, "deadlock",
        an_abort_wakes_those_who_wait = barrier_abort::without_the_wake_of_an_abort, "deadlock",
        an_abort_is_one_step = barrier_abort::without_the_lock_of_an_abort, "deadlock",
        a_complete_group_goes_as_a_whole =
            barrier_abort::without_the_place_in_a_group, "one goes without another",
        a_reset_ends = barrier_abort::without_the_end_of_a_reset, "one reset sends away twice",
        who_gives_up_returns_its_token =
            capacity_limiter::without_the_return_of_a_token, "deadlock",
        a_borrower_is_forgotten_with_its_token =
            capacity_limiter::without_the_lock_of_the_borrowers, "is already holding one",
        a_borrower_is_looked_for_twice =
            capacity_limiter::without_the_second_look_for_a_borrower, "ausal",
        what_is_refused_comes_back =
            capacity_limiter::without_the_return_of_what_is_refused, "deadlock",
        a_closed_channel_takes_no_value =
            channel_ends::without_the_look_for_the_close, "a value is lost",
        a_sink_returns_its_slot = channel_ends::without_the_slot_of_a_sink, "deadlock",
        a_sink_returns_a_promised_slot = channel_ends::without_the_promised_slot, "deadlock",
        a_stream_returns_its_value = channel_ends::without_the_promised_value, "deadlock",
        a_closed_sink_is_no_sender = channel_ends::without_the_end_of_a_sink, "deadlock",
        the_last_receiver_tells =
            channel_ends::without_the_last_word_of_the_receivers, "deadlock",
        a_channel_without_receivers_takes_no_value =
            channel_ends::without_the_look_for_a_receiver, "a value stays in the channel",
    }
}
