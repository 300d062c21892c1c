//! Quoting for the shell.

use std::borrow::Cow;

/// Quotes `text` so that the shell takes it as one word: Python's `shlex.quote`.
///
/// A text with a NUL cannot be given to a program at all, however it is quoted: starting it fails.
///
/// ```
/// use asyncio::subprocess::quote;
///
/// assert_eq!(quote("plain.txt"), "plain.txt");
/// assert_eq!(quote("it's $HOME"), r#"'it'"'"'s $HOME'"#);
/// assert_eq!(quote(""), "''");
/// ```
#[must_use]
pub fn quote(text: &str) -> Cow<'_, str> {
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r#"'"'"'"#)))
}

/// Whether the shell gives a byte no meaning anywhere.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte)
}
