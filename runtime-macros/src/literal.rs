//! Classifies a literal by its text, which is all that the compiler provides.

/// The kinds of literal that an option's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `4`, `0x10`, `4usize`.
    Integer,
    /// `"text"` or `r"text"`.
    Text,
    /// Anything else: floats, characters, byte strings.
    Other,
}

/// The kind of the literal whose source is `text`.
pub(crate) fn kind(text: &str) -> Kind {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return if is_float(text) {
            Kind::Other
        } else {
            Kind::Integer
        };
    }
    if text.starts_with('"') || text.starts_with("r\"") || text.starts_with("r#") {
        return Kind::Text;
    }
    Kind::Other
}

/// Whether an integer literal is zero, in any base and with any suffix.
pub(crate) fn is_zero(text: &str) -> bool {
    let digits = match text.get(..2) {
        Some("0x" | "0o" | "0b") => &text[2..],
        _ => text,
    };
    // A suffix starts with `u` or `i`, which are not digits in any base.
    let digits = digits.split(['u', 'i']).next().unwrap_or_default();
    digits.chars().all(|digit| matches!(digit, '0' | '_'))
}

/// The text between the quotes; `None` if it contains an escape.
pub(crate) fn plain_text(text: &str) -> Option<&str> {
    let raw = text.strip_prefix('r').map(|raw| raw.trim_matches('#'));
    let content = raw.unwrap_or(text).strip_prefix('"')?.strip_suffix('"')?;
    (raw.is_some() || !content.contains('\\')).then_some(content)
}

fn is_float(number: &str) -> bool {
    let based = matches!(number.get(..2), Some("0x" | "0o" | "0b"));
    !based && number.contains(['.', 'e', 'E', 'f']) && !number.ends_with("size")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_known_in_every_base_and_with_every_suffix() {
        for text in ["4", "0x1f", "0xe", "0b11", "1_000", "4usize", "4u8", "0"] {
            assert_eq!(kind(text), Kind::Integer, "{text}");
        }
    }

    #[test]
    fn strings_are_known_raw_or_not() {
        for text in [r#""a""#, r##"r"a""##, r###"r#"a"#"###] {
            assert_eq!(kind(text), Kind::Text, "{text}");
        }
    }

    #[test]
    fn floats_characters_and_bytes_fit_no_option() {
        for text in ["4.0", "1e3", "1f32", "'a'", "b\"a\"", "b'a'", "c\"a\""] {
            assert_eq!(kind(text), Kind::Other, "{text}");
        }
    }

    #[test]
    fn zero_is_zero_in_every_spelling() {
        for text in ["0", "0usize", "00", "0_0", "0x0", "0b00u8", "0i32"] {
            assert!(is_zero(text), "{text}");
        }
        for text in ["1", "10", "0x10", "0x0f", "4usize"] {
            assert!(!is_zero(text), "{text}");
        }
    }

    #[test]
    fn text_with_an_escape_is_not_plain() {
        assert_eq!(plain_text(r#""my::path""#), Some("my::path"));
        assert_eq!(plain_text(r##"r#"my"#"##), Some("my"));
        assert_eq!(plain_text(r#""a\n""#), None);
    }
}
