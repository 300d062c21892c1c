//! Expands a function and its options into the function that replaces it.
//!
//! ```text
//! #[asyncio::main(workers = 4)]          pub fn main() -> R {
//! pub async fn main() -> R {                 async fn main() -> R { body }
//!     body                        ==>        let mut runner = ::asyncio::Runner::builder()
//! }                                              .workers(4).build().expect("…");
//!                                            runner.run(main())
//!                                        }
//! ```
//!
//! The user's function is inside, as it was written. An `async` block would work too, but its
//! return type would be inferred: a mistake in the body would be reported in terms of `run` instead
//! of the declared type.

use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::function::Function;
use crate::parse::Options;
use crate::refusal::{Refusal, tokens_at};
use crate::token::{is_mark, is_word};

/// Which of the two attributes is expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `#[asyncio::main]`.
    Main,
    /// `#[asyncio::test]`.
    Test,
}

/// The tokens that replace `item` under the attribute `kind` with `options`.
pub(crate) fn attribute(kind: Kind, options: TokenStream, item: TokenStream) -> TokenStream {
    let mut refusals = Vec::new();
    let options = Options::parse(options, &mut refusals);
    let expanded = match Function::parse(item.clone()) {
        Ok(function) => {
            let unfit = unfitness(kind, &function);
            let runs = unfit.is_empty();
            refusals.extend(unfit);
            expand(kind, &function, options, runs)
        }
        Err(refusal) => {
            refusals.push(refusal);
            item
        }
    };
    let mut tokens: TokenStream = refusals.into_iter().map(Refusal::into_tokens).collect();
    tokens.extend(expanded);
    tokens
}

/// Everything about the function itself that prevents it from being run.
fn unfitness(kind: Kind, function: &Function) -> Vec<Refusal> {
    let mut found = Vec::new();
    if !function.is_async() {
        let text = "expected an `async fn`: the `async` is missing";
        found.push(Refusal::at(function.keyword.span(), text));
    }
    for word in &function.qualifiers {
        if ["const", "unsafe", "extern"]
            .iter()
            .any(|unfit| is_word(word, unfit))
        {
            let text = format!("the function may not be `{word}`");
            found.push(Refusal::at(word.span(), text));
        }
    }
    if !function.generics.is_empty() {
        let text = "the function may not have type parameters: no caller could choose them";
        found.push(Refusal::over(
            &function.generics,
            function.name.span(),
            text,
        ));
    }
    let parameters: Vec<TokenTree> = function.parameters.stream().into_iter().collect();
    if !parameters.is_empty() {
        let text = "the function may not have arguments: no caller could pass them";
        found.push(Refusal::over(&parameters, function.name.span(), text));
    }
    if kind == Kind::Test {
        found.extend(second_test(&function.attributes));
    }
    found
}

/// Finds another test attribute on the function, with which it would run twice or not at all.
fn second_test(attributes: &TokenStream) -> Option<Refusal> {
    let is_test = |token: &TokenTree| match token {
        TokenTree::Group(group) => {
            let path = group.stream().into_iter();
            let path: Vec<TokenTree> = path
                .take_while(|token| is_mark(token, ':') || matches!(token, TokenTree::Ident(_)))
                .collect();
            path.last().is_some_and(|last| is_word(last, "test"))
        }
        _ => false,
    };
    let second = attributes.clone().into_iter().find(is_test)?;
    let text = "the function is already a test: remove this attribute";
    Some(Refusal::at(second.span(), text))
}

/// The function that replaces `function`. If it cannot be run, the replacement still has its name
/// and return type, so that its callers cause no further errors.
fn expand(kind: Kind, function: &Function, options: Options, runs: bool) -> TokenStream {
    let mut outer = TokenStream::new();
    if kind == Kind::Test && runs {
        outer.extend(tokens_at("#[::core::prelude::v1::test]", Span::call_site()));
    }
    outer.extend(function.attributes.clone());
    outer.extend(function.visibility.clone());
    outer.extend([function.keyword.clone(), function.name.clone().into()]);
    outer.extend([TokenTree::from(empty_like(&function.parameters))]);
    outer.extend(function.output.clone());

    let mut content = inner(function);
    content.extend(if runs {
        call(kind, function, options)
    } else {
        tokens_at("loop {}", Span::call_site())
    });
    let mut body = Group::new(Delimiter::Brace, content);
    body.set_span(function.body.span());
    outer.extend([TokenTree::from(body)]);
    outer
}

/// The user's function as it was written, without attributes and visibility, which move to the
/// outer function.
fn inner(function: &Function) -> TokenStream {
    let mut tokens: TokenStream = function.qualifiers.iter().cloned().collect();
    tokens.extend([function.keyword.clone(), function.name.clone().into()]);
    tokens.extend(function.generics.iter().cloned());
    tokens.extend([TokenTree::from(function.parameters.clone())]);
    tokens.extend(function.output.clone());
    tokens.extend([TokenTree::from(function.body.clone())]);
    tokens
}

/// The call of the inner function: `asyncio::run(main())`, or a `Runner` if there are options.
fn call(kind: Kind, function: &Function, options: Options) -> TokenStream {
    let here = Span::mixed_site();
    let mut tokens = TokenStream::new();
    let library = options
        .library
        .unwrap_or_else(|| tokens_at("::asyncio", here));
    let workers = match kind {
        Kind::Test => options.workers.or_else(|| Some(tokens_at("2", here))),
        Kind::Main => options.workers,
    };
    let settings: Vec<(&str, TokenStream)> = [
        ("workers", workers),
        ("debug", options.debug),
        ("start_paused", options.start_paused),
        ("max_blocking_threads", options.max_blocking_threads),
        ("thread_name", options.thread_name),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| (name, value)))
    .collect();

    let mut main: TokenStream = TokenTree::from(function.name.clone()).into();
    main.extend([TokenTree::from(empty_like(&function.parameters))]);
    if options.seed.is_some() || options.seeds.is_some() {
        let runs = run(&library, settings, true, main);
        return explore(library, options.seed, options.seeds, runs);
    }
    if settings.is_empty() {
        tokens.extend(library);
        tokens.extend(tokens_at("::run", here));
        tokens.extend([parenthesised(main)]);
        return tokens;
    }
    run(&library, settings, false, main)
}

/// The code that runs `main` on a `Runner` with `settings`; if `seeded`, in the deterministic mode,
/// with the variable `seed`.
fn run(
    library: &TokenStream,
    settings: Vec<(&str, TokenStream)>,
    seeded: bool,
    main: TokenStream,
) -> TokenStream {
    let here = Span::mixed_site();
    let mut tokens = tokens_at("let mut runner =", here);
    tokens.extend(library.clone());
    tokens.extend(tokens_at("::Runner::builder()", here));
    for (name, value) in settings {
        tokens.extend(tokens_at(&format!(".{name}"), here));
        tokens.extend([parenthesised(value)]);
    }
    if seeded {
        tokens.extend(tokens_at(".deterministic(seed)", here));
    }
    let build = ".build().expect(\"asyncio: the runtime could not be started\");";
    tokens.extend(tokens_at(build, here));
    tokens.extend(tokens_at("runner.run", here));
    tokens.extend([parenthesised(main)]);
    tokens
}

/// The code that executes `runs` for every seed:
/// `asyncio::seeds::explore(first, count, |seed| { … })`.
fn explore(
    library: TokenStream,
    first: Option<TokenStream>,
    count: Option<TokenStream>,
    runs: TokenStream,
) -> TokenStream {
    let here = Span::mixed_site();
    let mut arguments = first.unwrap_or_else(|| tokens_at("0", here));
    arguments.extend(tokens_at(",", here));
    arguments.extend(count.unwrap_or_else(|| tokens_at("1", here)));
    arguments.extend(tokens_at(", |seed|", here));
    arguments.extend([TokenTree::from(Group::new(Delimiter::Brace, runs))]);
    let mut tokens = library;
    tokens.extend(tokens_at("::seeds::explore", here));
    tokens.extend([parenthesised(arguments)]);
    tokens
}

fn parenthesised(content: TokenStream) -> TokenTree {
    Group::new(Delimiter::Parenthesis, content).into()
}

/// `()` with the span of `parameters`.
fn empty_like(parameters: &Group) -> Group {
    let mut empty = Group::new(Delimiter::Parenthesis, TokenStream::new());
    empty.set_span(parameters.span());
    empty
}
