//! Loom models of events of descriptors, and of the connections that they reach.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{delegation, events, readiness};

models! {
    holds {
        nobody_sleeps_through_an_event = readiness::nobody_sleeps_through_an_event,
        an_event_is_not_cleared = readiness::an_event_is_not_cleared,
        an_event_finds_no_other_descriptor = readiness::an_event_finds_no_other_descriptor,
        events_are_served_by_whoever_has_the_role =
            events::events_are_served_by_whoever_has_the_role,
        what_is_asked_for_is_done = delegation::what_is_asked_for_is_done,
        three_may_ask_at_once = delegation::three_may_ask_at_once,
    }
    fails {
        a_waiter_looks_under_the_lock = readiness::without_the_look_of_a_waiter, "deadlock",
        an_event_changes_the_word_first = readiness::without_the_order_of_an_event, "deadlock",
        an_event_counts = readiness::without_the_tick, "deadlock",
        a_slot_gets_a_new_generation = readiness::without_the_generation, "another's event",
        an_event_is_dispatched = events::without_the_dispatch, "deadlock",
        the_role_is_given_back = events::without_the_role_given_back, "deadlock",
        the_release_is_before_the_look = delegation::without_the_fence, "not done",
        who_asks_publishes = delegation::without_the_release_of_who_asks, "not done",
        who_finds_it_done_looks_again = delegation::without_the_second_look, "not done",
    }
}
