//! Parses an attribute's options into a struct.

use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

use crate::literal::{self, Kind};
use crate::refusal::{Refusal, placed};
use crate::token::{is_mark, is_word};

const KNOWN: &str = "the options are `workers`, `debug`, `start_paused`, `seed`, `seeds`, `max_blocking_threads`, `thread_name` and `crate`";

/// The values of the options; `None` if an option was not given.
#[derive(Default)]
pub(crate) struct Options {
    /// Number of worker threads.
    pub(crate) workers: Option<TokenStream>,
    /// Whether debug mode is on.
    pub(crate) debug: Option<TokenStream>,
    /// Whether the clock is paused.
    pub(crate) start_paused: Option<TokenStream>,
    /// The seed of the schedule, or the first of several.
    pub(crate) seed: Option<TokenStream>,
    /// The number of seeds to run.
    pub(crate) seeds: Option<TokenStream>,
    /// Number of threads for blocking calls.
    pub(crate) max_blocking_threads: Option<TokenStream>,
    /// Prefix of the names of the threads.
    pub(crate) thread_name: Option<TokenStream>,
    /// Path of the library, if it is not `::asyncio`.
    pub(crate) library: Option<TokenStream>,
}

impl Options {
    /// Parses the options between an attribute's parentheses. For a mistake it adds a refusal to
    /// `refusals` and leaves the option out; the other options are still parsed.
    pub(crate) fn parse(attribute: TokenStream, refusals: &mut Vec<Refusal>) -> Self {
        let mut options = Self::default();
        let mut names = Vec::new();
        for assignment in split_at_commas(attribute) {
            if let Err(refusal) = options.read(&assignment, &mut names) {
                refusals.push(refusal);
            }
        }
        options
    }

    /// Parses one `name = value`; `names` are the names of the earlier options.
    fn read(&mut self, assignment: &[TokenTree], names: &mut Vec<String>) -> Result<(), Refusal> {
        let Some((TokenTree::Ident(name), rest)) = assignment.split_first() else {
            let text = format!("expected an option, like `workers = 4`; {KNOWN}");
            return Err(Refusal::over(assignment, Span::call_site(), text));
        };
        let (word, span) = (name.to_string(), name.span());
        let field = self.field(&word, span)?;
        if names.contains(&word) {
            let text = format!("the option `{word}` is given twice");
            return Err(Refusal::at(span, text));
        }
        names.push(word.clone());
        *field = Some(value(&word, span, rest)?);
        Ok(())
    }

    fn field(&mut self, word: &str, span: Span) -> Result<&mut Option<TokenStream>, Refusal> {
        let text = match word {
            "workers" => return Ok(&mut self.workers),
            "debug" => return Ok(&mut self.debug),
            "start_paused" => return Ok(&mut self.start_paused),
            "max_blocking_threads" => return Ok(&mut self.max_blocking_threads),
            "thread_name" => return Ok(&mut self.thread_name),
            "crate" => return Ok(&mut self.library),
            "seed" => return Ok(&mut self.seed),
            "seeds" => return Ok(&mut self.seeds),
            _ => format!("unknown option `{word}`; {KNOWN}"),
        };
        Err(Refusal::at(span, text))
    }
}

/// Parses `= value`, the part of an option after its name, and checks the value.
fn value(word: &str, name: Span, rest: &[TokenTree]) -> Result<TokenStream, Refusal> {
    let value = match rest.split_first() {
        Some((equals, value)) if is_mark(equals, '=') && !value.is_empty() => value,
        _ => {
            let text = format!("expected a value, like `{}`", example(word));
            return Err(Refusal::over(rest, name, text));
        }
    };
    check(word, value)?;
    match (word, unwrapped(value)) {
        ("crate", Some(TokenTree::Literal(path))) => library(&path.to_string(), path.span()),
        _ => Ok(value.iter().cloned().collect()),
    }
}

/// Refuses a value that is a single literal of the wrong kind. For any other expression, rustc
/// checks the type and reports errors at the user's own tokens.
fn check(word: &str, value: &[TokenTree]) -> Result<(), Refusal> {
    let single = unwrapped(value);
    let text = match &single {
        Some(TokenTree::Literal(literal)) => Some(literal.to_string()),
        _ => None,
    };
    let kind = text.as_deref().map(literal::kind);
    let is_bool =
        matches!(&single, Some(token) if is_word(token, "true") || is_word(token, "false"));
    let (fits, expected) = match word {
        "debug" | "start_paused" => (kind.is_none(), "`true` or `false`"),
        "thread_name" => (
            !is_bool && kind.is_none_or(|kind| kind == Kind::Text),
            "a string",
        ),
        "crate" => (kind == Some(Kind::Text), "a string"),
        "seed" => (
            !is_bool && kind.is_none_or(|kind| kind == Kind::Integer),
            "a number",
        ),
        _ => {
            let is_number = kind.is_none_or(|kind| kind == Kind::Integer);
            let is_zero = text.as_deref().is_some_and(literal::is_zero);
            (!is_bool && is_number && !is_zero, "a number, at least 1")
        }
    };
    if fits {
        return Ok(());
    }
    let text = format!("expected {expected}, like `{}`", example(word));
    Err(Refusal::over(value, Span::call_site(), text))
}

/// The path in the value of `crate`, with the span of that value.
fn library(text: &str, span: Span) -> Result<TokenStream, Refusal> {
    let path = literal::plain_text(text).and_then(|path| path.parse::<TokenStream>().ok());
    let is_path = |path: &TokenStream| {
        let mut tokens = path.clone().into_iter();
        !path.is_empty() && tokens.all(|token| is_mark(&token, ':') || is_ident(&token))
    };
    match path {
        Some(path) if is_path(&path) => Ok(placed(path, span)),
        _ => Err(Refusal::at(
            span,
            "expected the path of a crate or module, like `\"my_asyncio\"`",
        )),
    }
}

fn is_ident(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(_))
}

fn example(word: &str) -> &'static str {
    match word {
        "workers" => "workers = 4",
        "debug" => "debug = true",
        "start_paused" => "start_paused = true",
        "seed" => "seed = 7",
        "seeds" => "seeds = 1000",
        "max_blocking_threads" => "max_blocking_threads = 64",
        "thread_name" => "thread_name = \"api\"",
        _ => "crate = \"my_asyncio\"",
    }
}

/// The only token of `value`, without the invisible group that a `macro_rules!` fragment puts
/// around it; `None` if there are several tokens.
fn unwrapped(value: &[TokenTree]) -> Option<TokenTree> {
    match value {
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => {
            let content: Vec<TokenTree> = group.stream().into_iter().collect();
            unwrapped(&content)
        }
        [token] => Some(token.clone()),
        _ => None,
    }
}

/// The parts between commas; a trailing comma does not add a part.
fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut pieces: Vec<Vec<TokenTree>> = tokens
        .split(|token| is_mark(token, ','))
        .map(<[TokenTree]>::to_vec)
        .collect();
    if pieces.last().is_some_and(Vec::is_empty) {
        pieces.pop();
    }
    pieces
}
