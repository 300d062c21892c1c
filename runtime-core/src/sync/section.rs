//! Critical sections where nobody counts them: see their twin, `section_counted`.

/// A section that nobody counts.
#[derive(Debug)]
pub(crate) struct CriticalSection(());

impl CriticalSection {
    #[inline(always)]
    pub(crate) const fn enter() -> CriticalSection {
        CriticalSection(())
    }
}

#[inline(always)]
pub(crate) const fn assert_outside() {}
