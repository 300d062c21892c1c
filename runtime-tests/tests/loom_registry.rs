//! The registry of tasks in the hands of several threads, in every order.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::registry;

models! {
    holds {
        a_death_waits_for_the_reader = registry::a_death_waits_for_the_reader,
        a_birth_is_seen_whole = registry::a_birth_is_seen_whole,
        readers_wait_for_each_other = registry::readers_wait_for_each_other,
        nobody_lives_in_a_closed_registry = registry::nobody_lives_in_a_closed_registry,
    }
    fails {
        a_death_must_wait = registry::without_the_wait_for_a_reader, "ausal",
        a_birth_publishes = registry::without_the_release_of_a_birth, "ausal",
        the_births_are_summed_twice = registry::without_the_second_sum, "somebody lives in a closed registry",
        a_birth_is_counted_afterwards = registry::without_the_slot_before_the_count, "closed registry",
        a_foreign_birth_is_locked = registry::without_the_lock_of_a_birth, "into a closed registry",
    }
}
