//! A mistake in the use of an attribute, and its compiler error.

use proc_macro::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

/// One mistake: its first and its last token, and the text of the error.
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

    /// A mistake that spans all of `tokens`, or at `otherwise` if there are none.
    pub(crate) fn over(tokens: &[TokenTree], otherwise: Span, text: impl Into<String>) -> Self {
        Self {
            first: tokens.first().map_or(otherwise, TokenTree::span),
            last: tokens.last().map_or(otherwise, TokenTree::span),
            text: text.into(),
        }
    }

    /// `::core::compile_error! { "…" }`, with such spans that the compiler underlines the mistake:
    /// it underlines from the first token of the path to the braces.
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

/// The tokens of `source`, all with the span `span`.
///
/// # Panics
///
/// If `source` is not a valid sequence of tokens.
pub(crate) fn tokens_at(source: &str, span: Span) -> TokenStream {
    let tokens: TokenStream = source.parse().expect("source written in this crate");
    placed(tokens, span)
}

/// The same tokens, all with the span `span`, including those inside groups.
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
