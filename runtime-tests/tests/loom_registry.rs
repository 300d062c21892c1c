//! Loom models of the task registry that several threads use.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::registry;

models! {
    holds {
        a_removal_waits_for_the_reader = registry::a_removal_waits_for_the_reader,
        an_insert_is_seen_whole = registry::an_insert_is_seen_whole,
        readers_wait_for_each_other = registry::readers_wait_for_each_other,
        nobody_lives_in_a_closed_registry = registry::nobody_lives_in_a_closed_registry,
    }
    fails {
        a_removal_must_wait = registry::without_the_wait_for_a_reader, "ausal",
        an_insert_publishes = registry::without_the_release_of_an_insert, "ausal",
        the_inserts_are_summed_twice = registry::without_the_second_sum, "somebody lives in a closed registry",
        an_insert_is_counted_afterwards = registry::without_the_slot_before_the_count, "closed registry",
        a_foreign_insert_is_locked = registry::without_the_lock_of_an_insert, "into a closed registry",
    }
}
