//! The laws of the house, read off the source text.
//!
//! A light scanner, not a parser: it knows comments, strings, braces, `mod` lines,
//! attributes and paths, which is all the laws speak of. Each law is a function
//! from the sources to the list of its violations; each is shown to bite by a
//! small tree that breaks it.

pub(crate) mod lexer;
pub(crate) mod tables;
pub(crate) mod violation;

pub(crate) mod sources;

pub(crate) mod plan;

pub(crate) mod paths;

pub(crate) mod catalogue;
pub(crate) mod cycles;
pub(crate) mod door;
pub(crate) mod floors;
pub(crate) mod lengths;
pub(crate) mod manners;
pub(crate) mod seam;
pub(crate) mod supply;
pub(crate) mod walls;

pub(crate) mod inventory;
