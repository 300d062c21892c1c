//! The context of a task: asyncio's contextvars, as a persistent map.
//!
//! A task starts with a copy of its creator's context. A copy is one reference: the map is a
//! persistent list of bindings, newest first. Shadowed bindings are removed when the list has 16
//! bindings, and twice as many as the last removal left. Programs bind a handful of variables, so a
//! lookup walks a handful of nodes.

use std::any::Any;
use std::fmt;

use crate::sync::{Arc, Mutex, Published, StdArc};

/// A value bound to a variable. Shared by every copy of the context that has the binding.
pub(crate) type Bound = StdArc<dyn Any + Send + Sync>;

type Link = Option<Arc<Binding>>;

/// A shorter list is left as it is.
const COMPACT_FROM: usize = 16;

struct Binding {
    /// The variable's identity: the address of its static.
    variable: usize,
    /// `None` if the variable was unbound by a reset to "no value".
    value: Option<Bound>,
    /// Whether new tasks inherit the variable.
    inherits: bool,
    /// Whether there is one, from here on, that they do not inherit.
    has_private: bool,
    older: Link,
    /// The length of the list that begins here.
    depth: usize,
    /// How many bindings the last removal of shadowed ones left.
    left: usize,
}

/// Bindings of context variables, as `contextvars.Context`.
///
/// Clones share one context, as two names for one object do in Python: a variable set through one
/// is seen through the other. [`copy`](Context::copy) makes an independent one, in constant time.
#[derive(Clone, Default)]
pub struct Context {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    head: Mutex<Link>,
    /// Lets the models check that the pointer in a task's header publishes the context.
    published: Published,
}

impl Context {
    /// An empty context.
    #[must_use]
    pub fn new() -> Context {
        Context::default()
    }

    /// An independent context with the same bindings.
    #[must_use]
    pub fn copy(&self) -> Context {
        let shared = Shared {
            head: Mutex::new(self.shared.head.lock().clone()),
            published: Published::default(),
        };
        Context {
            shared: Arc::new(shared),
        }
    }

    /// The context of a new task or a callback: a copy without the variables that are not
    /// inherited. `None` if it is empty.
    pub(crate) fn inherited(&self) -> Option<Context> {
        let head = self.shared.head.lock().clone()?;
        let head = if head.has_private {
            compact(Some(&head), |binding| binding.inherits)?
        } else {
            head
        };
        let shared = Shared {
            head: Mutex::new(Some(head)),
            published: Published::default(),
        };
        Some(Context {
            shared: Arc::new(shared),
        })
    }

    /// Whether both are clones of one context.
    pub(crate) fn is_same(&self, other: &Context) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The value bound to `variable`.
    pub(crate) fn lookup(&self, variable: usize) -> Option<Bound> {
        let head = self.shared.head.lock();
        newest(head.as_ref(), variable)?.value.clone()
    }

    /// Binds `variable`, or unbinds it if `value` is `None`. Returns the previous value.
    pub(crate) fn bind(
        &self,
        variable: usize,
        value: Option<Bound>,
        inherits: bool,
    ) -> Option<Bound> {
        let (before, _replaced);
        {
            let mut head = self.shared.head.lock();
            before = newest(head.as_ref(), variable).and_then(|found| found.value.clone());
            let depth = head.as_ref().map_or(0, |binding| binding.depth) + 1;
            let left = head.as_ref().map_or(0, |binding| binding.left);
            let compacts = depth >= COMPACT_FROM.max(2 * left);
            let older = if compacts {
                compact(head.as_ref(), |binding| binding.variable != variable)
            } else {
                head.clone()
            };
            let depth = older.as_ref().map_or(0, |binding| binding.depth) + 1;
            let left = if compacts { depth } else { left };
            let has_private = has_private(inherits, older.as_ref());
            let binding = Binding {
                variable,
                value,
                inherits,
                has_private,
                older,
                depth,
                left,
            };
            // Dropped after the lock: a value's destructor is user code.
            _replaced = head.replace(Arc::new(binding));
        }
        before
    }

    /// Returns the address of the shared context; it carries the reference that `self` was.
    pub(crate) fn into_raw(self) -> *mut () {
        Arc::into_raw(self.shared).cast_mut().cast()
    }

    /// Turns an address from `into_raw` back into the reference it carries.
    ///
    /// # Safety
    /// `raw` came from [`into_raw`](Context::into_raw), and its reference has not been taken since.
    pub(crate) unsafe fn from_raw(raw: *mut ()) -> Context {
        // SAFETY: the caller's promise; the type is the one that `into_raw` had.
        let shared: Arc<Shared> = unsafe { Arc::from_raw(raw.cast_const().cast()) };
        shared.published.look();
        Context { shared }
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        // In a loop: the destructors of a long list would nest as deep as the list is long.
        let mut older = self.older.take();
        while let Some(binding) = older.as_mut().and_then(Arc::get_mut) {
            older = binding.older.take();
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let depth = self
            .shared
            .head
            .lock()
            .as_ref()
            .map_or(0, |binding| binding.depth);
        f.debug_struct("Context")
            .field("bindings", &depth)
            .finish_non_exhaustive()
    }
}

fn newest(mut link: Option<&Arc<Binding>>, variable: usize) -> Option<&Arc<Binding>> {
    while let Some(binding) = link {
        if binding.variable == variable {
            return Some(binding);
        }
        link = binding.older.as_ref();
    }
    None
}

fn has_private(inherits: bool, older: Option<&Arc<Binding>>) -> bool {
    !inherits || older.is_some_and(|older| older.has_private)
}

/// Copies those bindings of the list that are not shadowed and are `wanted`.
fn compact(head: Option<&Arc<Binding>>, wanted: impl Fn(&Binding) -> bool) -> Link {
    let mut kept: Vec<&Binding> = Vec::new();
    let mut link = head;
    while let Some(binding) = link {
        let shadowed = kept.iter().any(|newer| newer.variable == binding.variable);
        if !shadowed && wanted(binding) {
            kept.push(binding);
        }
        link = binding.older.as_ref();
    }
    kept.iter()
        .rev()
        .enumerate()
        .fold(None, |older, (below, binding)| {
            let value = binding.value.clone();
            let has_private = has_private(binding.inherits, older.as_ref());
            Some(Arc::new(Binding {
                variable: binding.variable,
                value,
                inherits: binding.inherits,
                has_private,
                older,
                depth: below + 1,
                left: 0,
            }))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_compacted_once_for_as_many_bindings_as_it_has() {
        for variables in [1, 7, 15, 16, 31, 100] {
            let context = Context::new();
            let (mut longest, mut compactions, mut before) = (0, 0, 0);
            for round in 0..1_000 {
                let value: Bound = StdArc::new(round);
                context.bind(round % variables, Some(value), true);
                let depth = context
                    .shared
                    .head
                    .lock()
                    .as_ref()
                    .map_or(0, |head| head.depth);
                compactions += usize::from(depth <= before);
                longest = longest.max(depth);
                before = depth;
            }
            assert!(
                longest <= COMPACT_FROM.max(2 * variables),
                "{variables}: {longest}"
            );
            let most = 1_000 / variables.max(COMPACT_FROM - variables.min(COMPACT_FROM - 1)) + 2;
            assert!(compactions <= most, "{variables}: {compactions}");
        }
    }
}
