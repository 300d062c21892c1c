//! Loom models of what locks and queues wait on, and of the locks and queues themselves.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{
    barrier, channel, condition, event, left_reference, lock, once_cell, permits, priority_queue,
    queue, queue_shutdown, rw_lock, turns, watch,
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
    }
}
