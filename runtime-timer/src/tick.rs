//! `Tick`, the wheel's point in time: a count whose arithmetic never wraps around.

use core::fmt;

/// A point in time, counted in units of the owner's choosing from an origin of its choosing.
///
/// A wheel knows neither the unit nor the origin. So that no timer is early, round a deadline *up*
/// to the next tick and a reading of the clock *down*.
///
/// There is no `+`: the caller has to choose what happens at the end of the counter.
///
/// ```
/// use runtime_timer::Tick;
///
/// let start = Tick(100);
/// assert_eq!(start.saturating_add(20), Tick(120));
/// assert_eq!(start.saturating_add(u64::MAX), Tick::MAX);
/// assert_eq!(start.checked_add(u64::MAX), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(
    /// The count itself: any value is a valid tick.
    pub u64,
);

impl Tick {
    /// The origin: tick 0.
    pub const ZERO: Self = Self(0);

    /// The last tick. It is a valid deadline, and fires when time reaches it.
    pub const MAX: Self = Self(u64::MAX);

    /// The tick `ticks` later, or `None` if it is beyond the end of the counter.
    ///
    /// ```
    /// # use runtime_timer::Tick;
    /// assert_eq!(Tick(2).checked_add(3), Some(Tick(5)));
    /// assert_eq!(Tick::MAX.checked_add(1), None);
    /// ```
    #[must_use]
    pub const fn checked_add(self, ticks: u64) -> Option<Self> {
        match self.0.checked_add(ticks) {
            Some(count) => Some(Self(count)),
            None => None,
        }
    }

    /// The tick `ticks` later, at most [`Tick::MAX`].
    ///
    /// ```
    /// # use runtime_timer::Tick;
    /// assert_eq!(Tick::MAX.saturating_add(1), Tick::MAX);
    /// ```
    #[must_use]
    pub const fn saturating_add(self, ticks: u64) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    /// The tick `ticks` earlier, or `None` if it is before the origin.
    ///
    /// ```
    /// # use runtime_timer::Tick;
    /// assert_eq!(Tick(5).checked_sub(3), Some(Tick(2)));
    /// assert_eq!(Tick::ZERO.checked_sub(1), None);
    /// ```
    #[must_use]
    pub const fn checked_sub(self, ticks: u64) -> Option<Self> {
        match self.0.checked_sub(ticks) {
            Some(count) => Some(Self(count)),
            None => None,
        }
    }

    /// The tick `ticks` earlier, at least [`Tick::ZERO`].
    ///
    /// ```
    /// # use runtime_timer::Tick;
    /// assert_eq!(Tick(2).saturating_sub(3), Tick::ZERO);
    /// ```
    #[must_use]
    pub const fn saturating_sub(self, ticks: u64) -> Self {
        Self(self.0.saturating_sub(ticks))
    }

    /// The number of ticks from `earlier` to this one, or `None` if this one is before `earlier`.
    ///
    /// ```
    /// # use runtime_timer::Tick;
    /// assert_eq!(Tick(5).checked_since(Tick(2)), Some(3));
    /// assert_eq!(Tick(2).checked_since(Tick(5)), None);
    /// ```
    #[must_use]
    pub const fn checked_since(self, earlier: Self) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }

    /// The number of ticks from `earlier` to this one, or 0 if this one is before `earlier`.
    ///
    /// ```
    /// # use runtime_timer::Tick;
    /// assert_eq!(Tick(5).saturating_since(Tick(2)), 3);
    /// assert_eq!(Tick(2).saturating_since(Tick(5)), 0);
    /// ```
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<u64> for Tick {
    fn from(count: u64) -> Self {
        Self(count)
    }
}

impl From<Tick> for u64 {
    fn from(tick: Tick) -> Self {
        tick.0
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
