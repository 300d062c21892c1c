//! Loom models of what locks and queues wait on.
#![cfg(asyncio_loom)]

#[macro_use]
mod twin;

use asyncio::models::{permits, turns};

models! {
    holds {
        one_holds_it_at_a_time = permits::one_holds_it_at_a_time,
        who_gives_up_passes_it_on = permits::who_gives_up_passes_it_on,
        a_turn_that_is_not_used_is_passed_on = turns::a_turn_that_is_not_used_is_passed_on,
        a_turn_whose_waiter_goes_away_is_not_lost = turns::a_turn_whose_waiter_goes_away_is_not_lost,
    }
    fails {
        a_release_publishes = permits::without_the_release_of_a_permit, "ausal",
        who_gives_up_returns_its_grant = permits::without_the_return_of_a_grant, "deadlock",
        a_turn_goes_to_the_next = turns::without_the_next_in_line, "deadlock",
        a_turn_is_not_kept = turns::without_the_return_of_a_turn, "the permit is lost",
    }
}
