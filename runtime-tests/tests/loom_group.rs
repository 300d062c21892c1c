//! Loom models of a task group.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{group_add, group_end, group_enter, group_members};

models! {
    holds {
        the_last_child_wakes_the_group = group_end::the_last_child_wakes_the_group,
        an_abort_against_a_child_s_end = group_end::an_abort_against_a_child_s_end,
        a_child_added_during_an_abort_is_cancelled_once =
            group_add::a_child_added_during_an_abort_is_cancelled_once,
        nobody_enters_a_group_that_is_over = group_enter::nobody_enters_a_group_that_is_over,
        who_awaits_another_child_is_cancelled_with_it =
            group_members::who_awaits_another_child_is_cancelled_with_it,
    }
    fails {
        the_waker_comes_first = group_end::without_the_waker_first, "deadlock",
        a_child_that_leaves_publishes = group_end::without_the_release_of_a_child, "ausal",
        who_adds_looks_for_the_abort = group_add::without_a_look_at_the_abort, "not cancelled once",
        who_enters_looks_for_the_end = group_enter::without_a_look_for_the_end,
            "entered a group that is over",
        the_cause_comes_first = group_members::without_the_cause_first,
            "went on in the midst of its own end",
    }
}
