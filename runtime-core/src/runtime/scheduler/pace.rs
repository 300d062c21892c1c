//! When a busy worker looks around next: at timers, and at the injector.
//!
//! A look is due after 61 turns or 100 µs, whichever comes first. No turn reads the clock for that.
//! Each look reads it, and learns from the time since the look before how many turns may pass until
//! the next one.

use std::time::{Duration, Instant};

/// How many turns pass at most between two looks.
const TURNS_BETWEEN_LOOKS: u32 = 61;

/// How much time may pass between two looks, unless a single poll takes longer.
const TIME_BETWEEN_LOOKS: Duration = Duration::from_micros(100);

/// Counts the turns of one worker down to its next look.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The number of turns to the one that begins with a look: 1 is the next turn.
    turns_to_look: u32,
    /// How many turns pass between two looks, while turns take as long as the last ones.
    look_every: u32,
    /// When the last look was. `None` if the worker has slept since.
    looked: Option<Instant>,
}

impl Pace {
    pub(crate) fn new() -> Pace {
        Pace {
            turns_to_look: TURNS_BETWEEN_LOOKS,
            look_every: TURNS_BETWEEN_LOOKS,
            looked: None,
        }
    }

    /// Counts a turn. True if the turn must begin with a look.
    #[inline]
    pub(crate) fn is_look_due(&mut self) -> bool {
        self.turns_to_look -= 1;
        self.turns_to_look == 0
    }

    /// Makes a look due at the next turn.
    #[inline]
    pub(crate) fn look_next(&mut self) {
        self.turns_to_look = 1;
    }

    /// Lets at least one turn pass before the next look.
    pub(crate) fn skip_one(&mut self) {
        self.turns_to_look = self.turns_to_look.max(2);
    }

    /// Makes the next look due after the usual number of turns.
    pub(crate) fn restart(&mut self) {
        self.turns_to_look = TURNS_BETWEEN_LOOKS;
    }

    /// The worker looks at everything now, because it has nothing to do: the next look is due after
    /// as many turns as after any other.
    pub(crate) fn visited_poller(&mut self) {
        self.turns_to_look = self.look_every;
    }

    /// So many turns, all since the worker was idle, took so long: too long without a look.
    pub(crate) fn learn(&mut self, turns: u32, took: Duration) {
        self.look_every = turns_between_looks(turns, took);
        self.look_next();
    }

    /// Forgets the last look, because the worker sleeps: the time until the next look says nothing
    /// about turns.
    pub(crate) fn stop(&mut self) {
        self.looked = None;
    }

    /// Decides, at a look, after how many turns the next look is due. Returns whether turns take
    /// long. `requested`: the monitor has requested this look, because work waits.
    pub(crate) fn set(&mut self, now: Instant, requested: bool) -> bool {
        let looked = self.looked.replace(now);
        let took = looked.map_or(Duration::ZERO, |looked| now - looked);
        let slow = requested || took > TIME_BETWEEN_LOOKS;
        if requested {
            self.look_every = 1;
        } else if slow {
            self.look_every = turns_between_looks(self.look_every, took);
        } else if took < TIME_BETWEEN_LOOKS / 2 {
            self.look_every = (2 * self.look_every).min(TURNS_BETWEEN_LOOKS);
        }
        self.turns_to_look = self.look_every;
        slow
    }
}

/// How many turns pass between two looks if so many of them `took` so long.
fn turns_between_looks(turns: u32, took: Duration) -> u32 {
    let turns = f64::from(turns) * TIME_BETWEEN_LOOKS.as_secs_f64() / took.as_secs_f64();
    (turns as u32).clamp(1, TURNS_BETWEEN_LOOKS)
}
