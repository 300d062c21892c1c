//! Source text as tokens, with the comments set apart.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a name.
    Word,
    /// A character of punctuation, or `::`.
    Mark,
    /// A string; its text is what stands between the quotes.
    Text,
    /// A number, a character, a lifetime.
    Other,
}

/// One token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its text.
    pub(crate) text: String,
    /// The line on which it starts, from 1.
    pub(crate) line: usize,
}

impl Token {
    /// Whether this is the word or mark `text`, and not a string of that content.
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Mark) && self.text == text
    }
}

/// One comment, a line of `//` or a block.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    /// Its first line, from 1.
    pub(crate) first: usize,
    /// Its last line.
    pub(crate) last: usize,
    /// Its text, with the slashes.
    pub(crate) text: String,
}

/// The tokens and the comments of `source`.
pub(crate) fn lex(source: &str) -> (Vec<Token>, Vec<Comment>) {
    let mut lexer = Lexer {
        rest: source,
        line: 1,
        tokens: Vec::new(),
        comments: Vec::new(),
    };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    (lexer.tokens, lexer.comments)
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
}

impl<'a> Lexer<'a> {
    fn step(&mut self) {
        let first = self.rest.chars().next().unwrap_or_default();
        if first.is_whitespace() {
            self.take(first.len_utf8());
        } else if self.rest.starts_with("//") {
            self.comment(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.comment(block_comment(self.rest));
        } else if let Some((start, end, length)) = string(self.rest) {
            let content = self.rest[start..end].to_owned();
            self.token(Kind::Text, length, Some(content));
        } else if first == '_' || first.is_alphabetic() {
            let raw = self.rest.strip_prefix("r#").map_or(0, |_| 2);
            let name = word(&self.rest[raw..]).to_owned();
            self.token(Kind::Word, raw + name.len(), Some(name));
        } else if first.is_ascii_digit() {
            self.token(Kind::Other, word(self.rest).len(), None);
        } else if first == '\'' {
            self.token(Kind::Other, quote(self.rest), None);
        } else if self.rest.starts_with("::") {
            self.token(Kind::Mark, 2, None);
        } else {
            self.token(Kind::Mark, first.len_utf8(), None);
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn comment(&mut self, length: usize) {
        let first = self.line;
        let text = self.take(length).to_owned();
        let last = self.line;
        self.comments.push(Comment { first, last, text });
    }

    fn token(&mut self, kind: Kind, length: usize, text: Option<String>) {
        let line = self.line;
        let taken = self.take(length);
        let text = text.unwrap_or_else(|| taken.to_owned());
        self.tokens.push(Token { kind, text, line });
    }
}

fn word(rest: &str) -> &str {
    let end = rest.find(|next: char| next != '_' && !next.is_alphanumeric());
    &rest[..end.unwrap_or(rest.len())]
}

/// The length of the block comment at the start, with those nested in it.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The string at the start, if there is one: begin and end of its content, and
/// the length of the whole. Plain, byte, C, and raw forms of each.
fn string(rest: &str) -> Option<(usize, usize, usize)> {
    let prefix = rest.find(|next| !matches!(next, 'b' | 'c' | 'r'))?;
    let raw = rest[..prefix].ends_with('r');
    if prefix > 2 {
        return None;
    }
    let hashes = rest[prefix..].find(|next| next != '#')?;
    let start = prefix + hashes + 1;
    if !rest[prefix + hashes..].starts_with('"') || (hashes > 0 && !raw) {
        return None;
    }
    if raw {
        let closing = format!("\"{}", "#".repeat(hashes));
        let end = start + rest[start..].find(&closing)?;
        return Some((start, end, end + closing.len()));
    }
    let mut escaped = false;
    let is_end = |next: char| {
        let ends = next == '"' && !escaped;
        escaped = next == '\\' && !escaped;
        ends
    };
    let end = start + rest[start..].find(is_end)?;
    Some((start, end, end + 1))
}

/// The length of the character or the lifetime at the start.
fn quote(rest: &str) -> usize {
    let mut following = rest[1..].chars();
    match (following.next(), following.next()) {
        (Some('\\'), Some(escape)) => {
            let escaped = 2 + escape.len_utf8();
            escaped + rest[escaped..].find('\'').map_or(0, |end| end + 1)
        }
        (Some(character), Some('\'')) => 2 + character.len_utf8(),
        _ => 1 + word(&rest[1..]).len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        let (tokens, _) = lex(source);
        let words = tokens.into_iter().filter(|token| token.kind == Kind::Word);
        words.map(|token| token.text).collect()
    }

    #[test]
    fn comments_hide_their_words() {
        let source = "a // unsafe\n/* unsafe /* unsafe */ unsafe */ b /// unsafe";
        assert_eq!(words(source), ["a", "b"]);
        assert_eq!(lex(source).1.len(), 3);
    }

    #[test]
    fn strings_of_every_form_hide_their_words() {
        let source = r####"a "unsafe \" unsafe" b"unsafe" r"unsafe\" r#"x " unsafe"# br##"unsafe "# "## c"x" b"####;
        assert_eq!(words(source), ["a", "b"]);
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        let source = r"a '\'' 'x' '\u{1F600}' '\\' &'static str b'x' '_ 'é' z";
        assert_eq!(words(source), ["a", "str", "b", "z"]);
    }

    #[test]
    fn a_raw_name_loses_its_prefix() {
        assert_eq!(words("r#type rust brr"), ["type", "rust", "brr"]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let (tokens, comments) = lex("/*\n*/ \"\n\n\" here // there");
        assert_eq!(tokens.last().map(|token| token.line), Some(4));
        assert_eq!((comments[0].last, comments[1].first), (2, 4));
    }
}
