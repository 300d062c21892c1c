//! Parses the function under an attribute into the parts that the expansion rearranges.

use std::iter::Peekable;
use std::vec::IntoIter;

use proc_macro::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use crate::refusal::Refusal;
use crate::token::{is_group, is_mark, is_word};

/// A function; the fields are in the order of the source.
pub(crate) struct Function {
    /// `#[…]`, including doc comments.
    pub(crate) attributes: TokenStream,
    /// `pub`, `pub(crate)`, or nothing.
    pub(crate) visibility: TokenStream,
    /// `async`, and qualifiers that are refused later: `const`, `unsafe`, `extern "C"`.
    pub(crate) qualifiers: Vec<TokenTree>,
    /// `fn`.
    pub(crate) keyword: TokenTree,
    /// The function's name.
    pub(crate) name: Ident,
    /// `<T>`; empty unless the function is refused.
    pub(crate) generics: Vec<TokenTree>,
    /// `()`; not empty only if the function is refused.
    pub(crate) parameters: Group,
    /// `-> R where …`, or nothing.
    pub(crate) output: TokenStream,
    /// `{ … }`.
    pub(crate) body: Group,
}

impl Function {
    /// Parses `item`.
    ///
    /// # Errors
    /// The reason why `item` is not a function.
    pub(crate) fn parse(item: TokenStream) -> Result<Self, Refusal> {
        let mut tokens = Tokens::new(item);
        let attributes = tokens.attributes();
        let visibility = tokens.visibility();
        let qualifiers = tokens.qualifiers();
        let keyword = tokens.expect("an `async fn`", |token| is_word(token, "fn"))?;
        let name = match tokens.expect("a name", |token| matches!(token, TokenTree::Ident(_)))? {
            TokenTree::Ident(name) => name,
            other => return Err(Refusal::at(other.span(), "expected a name")),
        };
        let generics = tokens.generics();
        let parameters = tokens.group(Delimiter::Parenthesis, "parameters in parentheses")?;
        let (output, body) = tokens.output_and_body()?;
        Ok(Self {
            attributes,
            visibility,
            qualifiers,
            keyword,
            name,
            generics,
            parameters,
            output,
            body,
        })
    }

    /// Whether the function is an `async fn`.
    pub(crate) fn is_async(&self) -> bool {
        self.qualifiers.iter().any(|word| is_word(word, "async"))
    }
}

/// The tokens that are not parsed yet.
struct Tokens {
    rest: Peekable<IntoIter<TokenTree>>,
    last: Span,
}

impl Tokens {
    fn new(item: TokenStream) -> Self {
        let mut tokens = Vec::new();
        unwrap_invisible(item, &mut tokens);
        Self {
            rest: tokens.into_iter().peekable(),
            last: Span::call_site(),
        }
    }

    fn next(&mut self) -> Option<TokenTree> {
        let token = self.rest.next()?;
        self.last = token.span();
        Some(token)
    }

    fn next_if(&mut self, fits: impl FnOnce(&TokenTree) -> bool) -> Option<TokenTree> {
        if fits(self.rest.peek()?) {
            self.next()
        } else {
            None
        }
    }

    fn expect(
        &mut self,
        what: &str,
        fits: impl FnOnce(&TokenTree) -> bool,
    ) -> Result<TokenTree, Refusal> {
        let found = self.rest.peek().map_or(self.last, TokenTree::span);
        self.next_if(fits)
            .ok_or_else(|| Refusal::at(found, format!("expected {what}")))
    }

    fn group(&mut self, delimiter: Delimiter, what: &str) -> Result<Group, Refusal> {
        match self.expect(what, |token| is_group(token, delimiter))? {
            TokenTree::Group(group) => Ok(group),
            other => Err(Refusal::at(other.span(), format!("expected {what}"))),
        }
    }

    /// `<…>`, up to the bracket that closes the first one; empty if there is none.
    fn generics(&mut self) -> Vec<TokenTree> {
        let mut taken = Vec::new();
        let mut depth = 0;
        while let Some(token) = self.next_if(|token| depth > 0 || is_mark(token, '<')) {
            let is_arrow = taken.last().is_some_and(|before| is_mark(before, '-'));
            if is_mark(&token, '<') {
                depth += 1;
            } else if is_mark(&token, '>') && !is_arrow {
                depth -= 1;
            }
            taken.push(token);
        }
        taken
    }

    /// The remaining tokens. The body is the last token, not the first group in braces: a return
    /// type may contain a constant in braces.
    fn output_and_body(mut self) -> Result<(TokenStream, Group), Refusal> {
        let mut output = Vec::new();
        while let Some(token) = self.next() {
            output.push(token);
        }
        match output.pop() {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => {
                Ok((output.into_iter().collect(), body))
            }
            _ => Err(Refusal::at(self.last, "expected a body in braces")),
        }
    }

    fn attributes(&mut self) -> TokenStream {
        let mut taken = TokenStream::new();
        while let Some(hash) = self.next_if(|token| is_mark(token, '#')) {
            taken.extend([hash]);
            taken.extend(self.next_if(|token| is_group(token, Delimiter::Bracket)));
        }
        taken
    }

    fn visibility(&mut self) -> TokenStream {
        let mut taken = TokenStream::new();
        if let Some(public) = self.next_if(|token| is_word(token, "pub")) {
            taken.extend([public]);
            taken.extend(self.next_if(|token| is_group(token, Delimiter::Parenthesis)));
        }
        taken
    }

    fn qualifiers(&mut self) -> Vec<TokenTree> {
        let mut taken = Vec::new();
        let words = ["async", "const", "unsafe", "extern"];
        while let Some(word) = self.next_if(|token| words.iter().any(|word| is_word(token, word))) {
            let is_extern = is_word(&word, "extern");
            taken.push(word);
            if is_extern {
                taken.extend(self.next_if(|token| matches!(token, TokenTree::Literal(_))));
            }
        }
        taken
    }
}

/// Removes the invisible groups that a `macro_rules!` puts around its fragments, at the top level
/// only: groups inside bodies and types stay.
fn unwrap_invisible(tokens: TokenStream, into: &mut Vec<TokenTree>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                unwrap_invisible(group.stream(), into);
            }
            other => into.push(other),
        }
    }
}
