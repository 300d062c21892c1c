//! A breach of a law: where, and what.

/// One breach of a law: where, and what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// `path:line`, or a path alone.
    pub(crate) place: String,
    /// What is wrong, in a sentence.
    pub(crate) what: String,
}

impl Violation {
    /// A breach at one line.
    pub(crate) fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            place: format!("{path}:{line}"),
            what: what.into(),
        }
    }

    /// A breach by a whole file.
    pub(crate) fn of(path: &str, what: impl Into<String>) -> Self {
        Self {
            place: path.to_owned(),
            what: what.into(),
        }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Asserts that exactly one violation is found, and that it says `text`.
#[cfg(test)]
#[track_caller]
pub(crate) fn assert_bites(violations: &[Violation], text: &str) {
    let [violation] = violations else {
        panic!("one violation was expected: {violations:#?}");
    };
    assert!(violation.to_string().contains(text), "{violation}");
}
