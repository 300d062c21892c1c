//! Context variables, as Python's `contextvars`.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use crate::runtime::{Context, Unnested, current_task};
use crate::sync::StdArc;

/// A variable whose value belongs to the current context. Declared by
/// [`context_var!`](crate::context_var).
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
    // Identity is the address, and two statics of a zero-sized type may share one: never empty.
    _value: PhantomData<fn() -> T>,
}

/// Undoes a [`ContextVar::set`], once, where that was made: of the same variable, in the same context.
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
            _value: PhantomData,
        }
    }

    /// The variable's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The value in the current context, or the default.
    ///
    /// # Panics
    /// If there is neither.
    #[must_use]
    #[track_caller]
    pub fn get(&'static self) -> T {
        match self.try_get() {
            Some(value) => value,
            None => panic!("the context variable {} has no value", self.name),
        }
    }

    /// The value in the current context, or the default, if there is either.
    #[must_use]
    pub fn try_get(&'static self) -> Option<T> {
        self.bound()
            .or_else(|| self.default.map(|default| default()))
    }

    /// Sets the value in the current context: the task's, or that of [`Context::run`].
    ///
    /// # Panics
    /// Where there is no context: outside a task and outside `Context::run`.
    #[track_caller]
    pub fn set(&'static self, value: T) -> Token<T> {
        let before = self.bound();
        let value: StdArc<dyn Any + Send + Sync> = StdArc::new(Unnested::new(value));
        let (variable, context) = (self.identity(), current_context_or_panic());
        let _old = context.bind(variable, Some(value));
        Token {
            before,
            variable,
            context,
        }
    }

    /// Undoes a `set`.
    ///
    /// # Panics
    /// Where there is no context, and if the token is of another variable, or of another context.
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
        let _old = context.bind(self.identity(), value);
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

/// A copy of the current context; an empty one where there is none.
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

/// Declares context variables.
///
/// ```
/// asyncio::context_var! {
///     /// Who asks.
///     pub static USER: String = "nobody".to_owned();
///     static DEPTH: usize
/// }
/// assert_eq!(USER.get(), "nobody");
/// assert_eq!(DEPTH.try_get(), None);
/// ```
#[macro_export]
macro_rules! context_var {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $default:expr
        $(; $($rest:tt)*)?) => {
        $(#[$attribute])* $visibility static $name: $crate::ContextVar<$type> =
            $crate::ContextVar::new(stringify!($name), Some(|| $default));
        $($crate::context_var! { $($rest)* })?
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty $(; $($rest:tt)*)?) => {
        $(#[$attribute])* $visibility static $name: $crate::ContextVar<$type> =
            $crate::ContextVar::new(stringify!($name), None);
        $($crate::context_var! { $($rest)* })?
    };
}
