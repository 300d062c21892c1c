//! Property test: random operations on a wheel and on a sorted map must have the same results.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use runtime_timer::{Key, Tick, Wheel};

/// One operation. Deadlines and times are relative to the time of the wheel.
#[derive(Clone, Debug)]
enum Step {
    Insert(Moment),
    Cancel(Index),
    Reschedule(Index, Moment),
    /// Takes all values that are due.
    Advance(Moment),
    /// Takes values that are due, but stops after a few.
    AdvancePartly(Moment, usize),
    /// Advances to the tick that `next_deadline` returns.
    AdvanceToNext,
    Shrink,
}

/// A tick, described relative to the present one.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Before(u64),
    After(u64),
    /// A few ticks before or after the end of the present round of 64^k ticks.
    AtRoundEnd(u32, i8),
    /// 64^k ticks from now, plus or minus a few.
    AtPower(u32, i8),
    Exactly(u64),
}

impl Moment {
    fn tick(self, now: Tick) -> Tick {
        let offset = |base: u64, by: i8| base.saturating_add_signed(by.into());
        Tick(match self {
            Self::Before(ticks) => now.0.saturating_sub(ticks),
            Self::After(ticks) => now.0.saturating_add(ticks),
            Self::AtRoundEnd(digits, by) => offset(now.0 | power_of_64(digits).wrapping_sub(1), by),
            Self::AtPower(digits, by) => offset(now.0.saturating_add(power_of_64(digits)), by),
            Self::Exactly(tick) => tick,
        })
    }
}

fn power_of_64(exponent: u32) -> u64 {
    64_u64.checked_pow(exponent).unwrap_or(0)
}

fn any_moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        1 => (0..100_u64).prop_map(Moment::Before),
        6 => (0..200_u64).prop_map(Moment::After),
        3 => (0..20_000_u64).prop_map(Moment::After),
        4 => (1..=11_u32, -2..=2_i8).prop_map(|(k, by)| Moment::AtRoundEnd(k, by)),
        4 => (1..=10_u32, -2..=2_i8).prop_map(|(k, by)| Moment::AtPower(k, by)),
        1 => (0..70_u64).prop_map(|ticks| Moment::Exactly(u64::MAX - ticks)),
        1 => any::<u64>().prop_map(Moment::Exactly),
    ]
}

/// Like [`any_moment`], but rarely so far that all timers have fired.
fn moment_to_advance_to() -> impl Strategy<Value = Moment> {
    prop_oneof![
        12 => (0..300_u64).prop_map(Moment::After),
        6 => (1..=5_u32, -2..=2_i8).prop_map(|(k, by)| Moment::AtRoundEnd(k, by)),
        6 => (1..=5_u32, -2..=2_i8).prop_map(|(k, by)| Moment::AtPower(k, by)),
        1 => any_moment(),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => any_moment().prop_map(Step::Insert),
        4 => any::<Index>().prop_map(Step::Cancel),
        4 => (any::<Index>(), any_moment()).prop_map(|(i, m)| Step::Reschedule(i, m)),
        4 => moment_to_advance_to().prop_map(Step::Advance),
        3 => (moment_to_advance_to(), 0..3_usize).prop_map(|(m, n)| Step::AdvancePartly(m, n)),
        3 => Just(Step::AdvanceToNext),
        1 => Just(Step::Shrink),
    ]
}

fn any_start() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        0..10_000_u64,
        (0..10_000_u64).prop_map(|ticks| u64::MAX - ticks),
        (0..=u64::from(u32::MAX)).prop_map(|ticks| u64::MAX - ticks),
        any::<u64>(),
    ]
}

/// The wheel, and a model of what it should contain.
struct Pair {
    wheel: Wheel<usize>,
    now: Tick,
    /// The values, sorted by deadline and by the order in which the deadlines were set.
    waiting: BTreeMap<(Tick, usize), usize>,
    /// The key of each value that was ever inserted and, if it is waiting, its place in `waiting`.
    values: Vec<(Key, Option<(Tick, usize)>)>,
    arrivals: usize,
    /// Whether no entry was cancelled or rescheduled since the wheel was last empty. Only then is
    /// `next_deadline` always exact.
    undisturbed: bool,
}

impl Pair {
    fn new(start: u64) -> Self {
        Self {
            wheel: Wheel::new(Tick(start)),
            now: Tick(start),
            waiting: BTreeMap::new(),
            values: Vec::new(),
            arrivals: 0,
            undisturbed: true,
        }
    }

    fn play(&mut self, step: &Step) {
        match step {
            Step::Insert(moment) => self.insert(moment.tick(self.now)),
            Step::Cancel(which) => self.cancel(which),
            Step::Reschedule(which, moment) => self.reschedule(which, moment.tick(self.now)),
            Step::Advance(moment) => self.advance(moment.tick(self.now), usize::MAX),
            Step::AdvancePartly(moment, most) => self.advance(moment.tick(self.now), *most),
            Step::AdvanceToNext => {
                if let Some(next) = self.wheel.next_deadline() {
                    self.advance(next, usize::MAX);
                    assert!(self.wheel.next_deadline().is_none_or(|after| after > next));
                }
            }
            Step::Shrink => self.wheel.shrink_to_fit(),
        }
        self.compare();
    }

    fn insert(&mut self, when: Tick) {
        let value = self.values.len();
        let key = self.wheel.insert(when, value);
        self.values.push((key, None));
        self.note_deadline(value, when);
    }

    fn note_deadline(&mut self, value: usize, when: Tick) {
        let place = (when.max(self.now), self.arrivals);
        self.arrivals += 1;
        self.waiting.insert(place, value);
        self.values[value].1 = Some(place);
    }

    fn cancel(&mut self, which: &Index) {
        if self.values.is_empty() {
            return;
        }
        let value = which.index(self.values.len());
        let (key, place) = &mut self.values[value];
        let expected = place.take().and_then(|place| self.waiting.remove(&place));
        assert_eq!(self.wheel.cancel(*key), expected);
        self.undisturbed &= expected.is_none();
    }

    fn reschedule(&mut self, which: &Index, when: Tick) {
        if self.values.is_empty() {
            return;
        }
        let value = which.index(self.values.len());
        let (key, place) = self.values[value];
        assert_eq!(self.wheel.reschedule(key, when), place.is_some());
        if let Some(place) = place {
            self.waiting.remove(&place);
            self.note_deadline(value, when);
            self.undisturbed = false;
        }
    }

    fn advance(&mut self, to: Tick, most: usize) {
        for _ in 0..most {
            let due = self
                .waiting
                .first_entry()
                .filter(|first| first.key().0 <= to);
            let expected = due.map(|first| {
                self.now = first.key().0;
                first.remove()
            });
            assert_eq!(self.wheel.pop_expired(to), expected);
            let Some(value) = expected else {
                self.now = self.now.max(to);
                return;
            };
            self.values[value].1 = None;
        }
    }

    fn compare(&mut self) {
        assert_eq!(self.wheel.now(), self.now);
        assert_eq!(self.wheel.len(), self.waiting.len());
        for (value, (key, place)) in self.values.iter().enumerate() {
            assert_eq!(self.wheel.get(*key), place.map(|_| &value));
            assert_eq!(self.wheel.deadline(*key), place.map(|place| place.0));
        }
        self.compare_next_deadline();
    }

    fn compare_next_deadline(&mut self) {
        let next = self.wheel.next_deadline();
        let earliest = self.waiting.keys().next().map(|first| first.0);
        let in_this_round = |tick: Tick| tick.0 / 64 == self.now.0 / 64;
        if self.undisturbed || earliest.is_none_or(in_this_round) {
            assert_eq!(next, earliest);
        } else {
            assert!(next.is_some() && next <= earliest && next >= Some(self.now));
        }
        self.undisturbed |= earliest.is_none();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_wheel_has_the_same_results_as_a_sorted_map(
        start in any_start(),
        steps in prop::collection::vec(any_step(), 1..150),
    ) {
        let mut pair = Pair::new(start);
        for step in &steps {
            pair.play(step);
        }
        pair.advance(Tick::MAX, usize::MAX);
        pair.compare();
    }
}
