//! What `readuntil` may look for.

use memchr::memmem;

/// A separator, or several of which any may end a read: `&[u8]`, `&[u8; N]`, `[&[u8]; N]`,
/// `&[&[u8]]`. Not for other types.
pub trait Separator: sealed::ToList {}

impl<T: sealed::ToList + ?Sized> Separator for T {}

mod sealed {
    #[expect(unnameable_types, reason = "nobody outside may implement it")]
    pub trait ToList {
        #[expect(private_interfaces, reason = "nobody outside can name this trait")]
        fn to_list(&self) -> super::Separators<'_>;
    }
}

/// Separators, of which none is empty.
#[derive(Debug)]
pub(super) struct Separators<'a> {
    list: List<'a>,
    shortest: usize,
    longest: usize,
}

#[derive(Debug)]
enum List<'a> {
    One(&'a [u8]),
    Several(&'a [&'a [u8]]),
}

/// Where a separator was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Separators<'a> {
    /// What is to be looked for.
    ///
    /// # Panics
    /// There is nothing to look for.
    #[track_caller]
    pub(super) fn of(separator: &'a (impl Separator + ?Sized)) -> Separators<'a> {
        let separators = separator.to_list();
        assert!(
            separators.longest > 0,
            "Separator should contain at least one element"
        );
        assert!(
            separators.shortest > 0,
            "Separator should be at least one-byte string"
        );
        separators
    }

    fn new(list: List<'a>) -> Separators<'a> {
        let lengths = || list.as_slice().iter().map(|separator| separator.len());
        let (shortest, longest) = (lengths().min(), lengths().max());
        // One that is empty is told from none at all: there its length is 1.
        let none = list.as_slice().is_empty();
        Separators {
            shortest: shortest.unwrap_or(0),
            longest: if none { 0 } else { longest.unwrap_or(0).max(1) },
            list,
        }
    }

    /// The separator that ends first, of those that begin at `from` or later. If two end at the
    /// same place, the shorter one, as in asyncio: so the limit does not depend on their order.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<Found> {
        let mut first: Option<Found> = None;
        for separator in self.list.as_slice() {
            // Nothing that ends later is of interest.
            let until = first.map_or(bytes.len(), |found| found.end);
            let Some(start) = position(separator, &bytes[from..until]) else {
                continue;
            };
            let found = Found {
                start: from + start,
                end: from + start + separator.len(),
            };
            let is_first = |first: Found| {
                found.end < first.end || (found.end == first.end && found.start > first.start)
            };
            if first.is_none_or(is_first) {
                first = Some(found);
            }
        }
        first
    }

    /// How many of `length` bytes, in which there is no separator, cannot be the beginning of one.
    pub(super) fn passed(&self, length: usize) -> usize {
        (length + 1).saturating_sub(self.longest)
    }

    /// The length of the shortest separator.
    pub(super) fn shortest(&self) -> usize {
        self.shortest
    }
}

impl<'a> List<'a> {
    fn as_slice(&self) -> &[&'a [u8]] {
        match self {
            List::One(separator) => std::slice::from_ref(separator),
            List::Several(separators) => separators,
        }
    }
}

fn position(separator: &[u8], bytes: &[u8]) -> Option<usize> {
    match separator {
        &[byte] => memchr::memchr(byte, bytes),
        separator => memmem::find(bytes, separator),
    }
}

impl sealed::ToList for &[u8] {
    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    fn to_list(&self) -> Separators<'_> {
        Separators::new(List::One(self))
    }
}

impl<const N: usize> sealed::ToList for &[u8; N] {
    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    fn to_list(&self) -> Separators<'_> {
        Separators::new(List::One(self.as_slice()))
    }
}

impl<const N: usize> sealed::ToList for [&[u8]; N] {
    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    fn to_list(&self) -> Separators<'_> {
        Separators::new(List::Several(self))
    }
}

impl sealed::ToList for &[&[u8]] {
    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    fn to_list(&self) -> Separators<'_> {
        Separators::new(List::Several(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_that_ends_first_is_found() {
        let both: [&[u8]; 2] = [b"DEF", b"BCDE"];
        let found = Separators::of(&both).find(b"ABCDEFG", 0);
        assert_eq!(found, Some(Found { start: 1, end: 5 }));
        let both: [&[u8]; 2] = [b"\r\n", b"\n"];
        let found = Separators::of(&both).find(b"line\r\n", 0);
        assert_eq!(found, Some(Found { start: 5, end: 6 }));
    }

    #[test]
    fn bytes_that_may_begin_a_separator_are_not_passed() {
        let separators = &b"\r\n\r\n"[..];
        let separators = Separators::of(&separators);
        assert_eq!(separators.passed(10), 7);
        assert_eq!(separators.passed(2), 0);
    }

    #[test]
    #[should_panic(expected = "Separator should be at least one-byte string")]
    fn an_empty_separator_is_refused() {
        Separators::of(&b"");
    }

    #[test]
    #[should_panic(expected = "Separator should be at least one-byte string")]
    fn an_empty_separator_among_others_is_refused() {
        let separators: [&[u8]; 2] = [b"a", b""];
        Separators::of(&separators);
    }

    #[test]
    #[should_panic(expected = "Separator should contain at least one element")]
    fn no_separator_at_all_is_refused() {
        let separators: [&[u8]; 0] = [];
        Separators::of(&separators);
    }
}
