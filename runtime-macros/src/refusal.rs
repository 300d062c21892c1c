//! A mistake in the use of an attribute, and how the compiler is told of it.

use proc_macro::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

/// One mistake: the tokens it stands in, from the first to the last, and a text.
pub(crate) struct Refusal {
    first: Span,
    last: Span,
    text: String,
}

impl Refusal {
    /// A mistake in one token.
    pub(crate) fn at(span: Span, text: impl Into<String>) -> Self {
        Self {
            first: span,
            last: span,
            text: text.into(),
        }
    }

    /// A mistake that all of `tokens` make together; `otherwise` if there are none.
    pub(crate) fn over(tokens: &[TokenTree], otherwise: Span, text: impl Into<String>) -> Self {
        Self {
            first: tokens.first().map_or(otherwise, TokenTree::span),
            last: tokens.last().map_or(otherwise, TokenTree::span),
            text: text.into(),
        }
    }

    /// `::core::compile_error! { "…" }`, placed so that the compiler underlines
    /// the mistake: it marks from the path's first token to the braces.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let mut text = Literal::string(&self.text);
        text.set_span(self.last);
        let mut braces = Group::new(Delimiter::Brace, TokenTree::from(text).into());
        braces.set_span(self.last);
        let mut tokens = tokens_at("::core::compile_error!", self.first);
        tokens.extend([TokenTree::from(braces)]);
        tokens
    }
}

/// The tokens of `source`, all placed at `span`.
///
/// # Panics
///
/// If `source` is no sequence of tokens.
pub(crate) fn tokens_at(source: &str, span: Span) -> TokenStream {
    let tokens: TokenStream = source.parse().expect("source written in this crate");
    placed(tokens, span)
}

/// The same tokens, all placed at `span`, those inside of groups as well.
pub(crate) fn placed(tokens: TokenStream, span: Span) -> TokenStream {
    let place = |token| {
        let mut token = match token {
            TokenTree::Group(group) => {
                let content = placed(group.stream(), span);
                TokenTree::from(Group::new(group.delimiter(), content))
            }
            other => other,
        };
        token.set_span(span);
        token
    };
    tokens.into_iter().map(place).collect()
}
