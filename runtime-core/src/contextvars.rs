//! Context variables: the counterpart of Python's `contextvars`.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use crate::runtime::{Context, Unnested, current_task};
use crate::sync::StdArc;

/// A variable whose value depends on the current context: `contextvars.ContextVar`.
///
/// Declare it with [`context_var!`](crate::context_var). Each task has a context of its own, a copy
/// of the context of the code that created the task. Unlike in Python, code outside of tasks,
/// callbacks and [`Context::run`] has no context: there a variable has its default, and
/// [`set`](ContextVar::set) panics.
///
/// ```
/// asyncio::context_var! { static REQUEST: String = "none".to_owned() }
/// # asyncio::run(async {
/// REQUEST.set("first".to_owned());
/// let child = asyncio::create_task(async {
///     let inherited = REQUEST.get();
///     REQUEST.set("second".to_owned()); // its own copy
///     inherited
/// });
/// assert_eq!(child.await.unwrap(), "first");
/// assert_eq!(REQUEST.get(), "first");
/// # });
/// ```
pub struct ContextVar<T: 'static> {
    name: &'static str,
    default: Option<fn() -> T>,
    inherits: bool,
    // The address identifies the variable. Two statics of a zero-sized type may have the same
    // address, so this type must never be zero-sized.
    _value: PhantomData<fn() -> T>,
}

/// Undoes one [`ContextVar::set`]: `contextvars.Token`.
///
/// Give it to [`ContextVar::reset`] of the same variable, in the same context. Dropping the token
/// leaves the new value in place.
#[must_use = "keep the token to reset the variable, or drop it explicitly"]
pub struct Token<T> {
    before: Option<T>,
    variable: usize,
    context: Context,
}

impl<T: Clone + Send + Sync + 'static> ContextVar<T> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, default: Option<fn() -> T>) -> ContextVar<T> {
        ContextVar {
            name,
            default,
            inherits: true,
            _value: PhantomData,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn inherited(self, inherits: bool) -> ContextVar<T> {
        ContextVar { inherits, ..self }
    }

    /// The name of the static.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// A clone of the value in the current context, or the default.
    ///
    /// # Panics
    /// If the variable has neither.
    #[must_use]
    #[track_caller]
    pub fn get(&'static self) -> T {
        match self.try_get() {
            Some(value) => value,
            None => panic!("the context variable {} has no value", self.name),
        }
    }

    /// A clone of the value in the current context, or the default; `None` if the variable has
    /// neither.
    #[must_use]
    pub fn try_get(&'static self) -> Option<T> {
        self.bound()
            .or_else(|| self.default.map(|default| default()))
    }

    /// Sets the value in the current context: that of the innermost [`Context::run`], or else of
    /// the current task.
    ///
    /// # Panics
    /// If there is no current context: outside a task and outside `Context::run`.
    #[track_caller]
    pub fn set(&'static self, value: T) -> Token<T> {
        let before = self.bound();
        let value: StdArc<dyn Any + Send + Sync> = StdArc::new(Unnested::new(value));
        let (variable, context) = (self.identity(), current_context_or_panic());
        let _old = context.bind(variable, Some(value), self.inherits);
        Token {
            before,
            variable,
            context,
        }
    }

    /// Restores the value that the variable had before the [`set`](ContextVar::set) that returned
    /// `token`.
    ///
    /// # Panics
    /// If there is no current context, or if the token is of another variable or another context.
    ///
    /// ```
    /// asyncio::context_var! { static LEVEL: u32 = 0 }
    /// # asyncio::run(async {
    /// let token = LEVEL.set(1);
    /// assert_eq!(LEVEL.get(), 1);
    /// LEVEL.reset(token);
    /// assert_eq!(LEVEL.get(), 0);
    /// # });
    /// ```
    #[track_caller]
    pub fn reset(&'static self, token: Token<T>) {
        assert!(
            token.variable == self.identity(),
            "the token was created by a different ContextVar than {}",
            self.name
        );
        let context = current_context_or_panic();
        assert!(
            context.is_same(&token.context),
            "the token of {} was created in a different Context",
            self.name
        );
        let value = token
            .before
            .map(|value| StdArc::new(Unnested::new(value)) as StdArc<dyn Any + Send + Sync>);
        let _old = context.bind(self.identity(), value, self.inherits);
    }

    fn bound(&'static self) -> Option<T> {
        let value = current_context()?.lookup(self.identity())?;
        let value = value.downcast_ref::<Unnested<T>>()?;
        Some(value.get().clone())
    }

    fn identity(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl<T> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextVar")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Token<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

/// A copy of the current context, or an empty context if there is none: `contextvars.copy_context`.
///
/// ```
/// asyncio::context_var! { static LEVEL: u32 = 0 }
/// # asyncio::run(async {
/// LEVEL.set(1);
/// let context = asyncio::copy_context();
/// LEVEL.set(2);
/// assert_eq!(context.run(|| LEVEL.get()), 1);
/// # });
/// ```
#[must_use]
pub fn copy_context() -> Context {
    current_context()
        .map(|context| context.copy())
        .unwrap_or_default()
}

fn current_context() -> Option<Context> {
    Context::entered().or_else(|| current_task().map(|task| task.get_context()))
}

#[track_caller]
fn current_context_or_panic() -> Context {
    match current_context() {
        Some(context) => context,
        None => panic!("there is no current context: set it inside a task, or in Context::run()"),
    }
}

/// Declares static [`ContextVar`](crate::ContextVar)s, each with or without a default.
///
/// The default is an expression. It is evaluated at every `get` that finds no value.
///
/// ```
/// asyncio::context_var! {
///     /// The user who made the request.
///     pub static USER: String = "guest".to_owned();
///     static DEPTH: usize
/// }
/// assert_eq!(USER.get(), "guest");
/// assert_eq!(DEPTH.try_get(), None);
/// ```
///
/// A variable with the attribute `#[no_inherit]` is for one task alone: new tasks, callbacks and
/// functions on other threads start without its value. A [`copy_context`](crate::copy_context) has
/// it. asyncio has no counterpart.
///
/// ```
/// asyncio::context_var! {
///     /// Locks that this task holds.
///     #[no_inherit]
///     static HELD: usize = 0;
/// }
/// # asyncio::run(async {
/// HELD.set(2);
/// let child = asyncio::create_task(async { HELD.get() });
/// assert_eq!(child.await.unwrap(), 0);
/// assert_eq!(HELD.get(), 2);
/// # });
/// ```
#[macro_export]
macro_rules! context_var {
    () => {};
    (@ [$($kept:tt)*] $inherits:literal #[no_inherit] $($rest:tt)*) => {
        $crate::context_var! { @ [$($kept)*] false $($rest)* }
    };
    (@ [$($kept:tt)*] $inherits:literal #[$attribute:meta] $($rest:tt)*) => {
        $crate::context_var! { @ [$($kept)* #[$attribute]] $inherits $($rest)* }
    };
    (@ [$($kept:tt)*] $inherits:literal
        $visibility:vis static $name:ident: $type:ty = $default:expr $(; $($rest:tt)*)?) => {
        $($kept)* $visibility static $name: $crate::ContextVar<$type> =
            $crate::ContextVar::new(stringify!($name), Some(|| $default)).inherited($inherits);
        $($crate::context_var! { $($rest)* })?
    };
    (@ [$($kept:tt)*] $inherits:literal
        $visibility:vis static $name:ident: $type:ty $(; $($rest:tt)*)?) => {
        $($kept)* $visibility static $name: $crate::ContextVar<$type> =
            $crate::ContextVar::new(stringify!($name), None).inherited($inherits);
        $($crate::context_var! { $($rest)* })?
    };
    ($($variables:tt)+) => {
        $crate::context_var! { @ [] true $($variables)+ }
    };
}
